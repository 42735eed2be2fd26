"""Permissions that the deployment of a resource needs, by the Pulumi type of the resource.

Sources: https://cloud.google.com/iam/docs/roles-permissions,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html,
https://kafka.apache.org/documentation/#operations_in_kafka
"""

from __future__ import annotations

from alchemesh_platform.sdk.spec import Permission

_BIGQUERY = Permission("roles/bigquery.admin", "Datasets, tables and views, and access to them.")
_STORAGE = Permission("roles/storage.admin", "Buckets, and access to them.")
_PUBSUB = Permission("roles/pubsub.admin", "Topics, schemas and subscriptions, and access to them.")
_SECRETS = Permission("roles/secretmanager.admin", "Secrets, and access to them.")
_ACCOUNTS = Permission("roles/iam.serviceAccountAdmin", "Service accounts, and the right to act as them.")
_KEYS = Permission("roles/iam.serviceAccountKeyAdmin", "Keys of service accounts.")
_ACT_AS = Permission("roles/iam.serviceAccountUser", "Start services and jobs as their service account.")
_RUN = Permission("roles/run.admin", "Services and jobs of Cloud Run, and access to them.")
_PROJECT = Permission("roles/resourcemanager.projectIamAdmin", "Roles in the project, such as those to run queries.")
_CLUSTER = Permission(
    "Kafka: ALTER and DESCRIBE on the cluster", "Access rules of topics and consumer groups, and passwords of users."
)

_S3 = Permission("s3:*Bucket*, s3:*LifecycleConfiguration, s3:*EncryptionConfiguration", "Buckets and their policies.")
_INLINE = Permission(
    "iam:PutRolePolicy, iam:GetRolePolicy, iam:DeleteRolePolicy, and the same of users and groups",
    "Access of code and consumers.",
)
_GLUE = Permission(
    "glue:*Database*, glue:*Table*, on the catalog, the database and its tables", "Databases and tables of the catalog."
)

_LAMBDA = Permission(
    "lambda:*Function*, lambda:*Alias, lambda:*Version*, lambda:*Tag*", "Functions, versions, aliases."
)

# The provider's type without its class: gcp:bigquery/dataset for gcp:bigquery/dataset:Dataset.
_FUNCTION_OBJECTS = Permission(
    "s3:PutObject, s3:GetObject, s3:DeleteObject, s3:ListBucket, on the bucket of the function",
    "Packages of functions.",
)
BY_TYPE: dict[str, tuple[Permission, ...]] = {
    "aws-native:athena:WorkGroup": (Permission("athena:*WorkGroup, athena:*TagsForResource", "Workgroups."),),
    "aws-native:glue:Database": (_GLUE,),
    "aws-native:glue:Table": (_GLUE,),
    "aws-native:iam:Role": (
        Permission("iam:*Role, iam:*RoleTags, iam:PutRolePermissionsBoundary", "Roles of code and of other workloads."),
    ),
    "aws-native:budgets:Budget": (Permission("budgets:ModifyBudget, budgets:ViewBudget", "Budgets of domains."),),
    "aws-native:ecr:Repository": (
        Permission("ecr:*Repository*, ecr:*Tag*, ecr:PutImage*", "The repository of the products' images."),
    ),
    "aws-native:iam:GroupPolicy": (_INLINE,),
    "aws-native:iam:ManagedPolicy": (
        Permission("iam:*Policy, iam:*PolicyVersion*, iam:ListEntitiesForPolicy", "Limits of the roles of a domain."),
    ),
    "aws-native:rds:DbInstance": (
        Permission("rds:*DBInstance*, rds:*Tag*, secretsmanager:CreateSecret", "The server of the registry."),
    ),
    "aws-native:iam:RolePolicy": (_INLINE,),
    "aws-native:iam:UserPolicy": (_INLINE,),
    "aws-native:kinesis:Stream": (
        Permission("kinesis:*Stream*, kinesis:*TagsToStream, kinesis:*Tags*", "The stream of each model."),
    ),
    "aws-native:lakeformation:PrincipalPermissions": (
        Permission("lakeformation:GrantPermissions, lakeformation:RevokePermissions", "Access to tables."),
    ),
    "aws-native:lambda:Alias": (_LAMBDA,),
    "aws-native:lambda:EventInvokeConfig": (_LAMBDA,),
    "aws-native:lambda:Function": (_LAMBDA, Permission("iam:PassRole", "The role of a function or schedule.")),
    "aws-native:lambda:Version": (_LAMBDA,),
    "aws-native:logs:LogGroup": (
        Permission("logs:*LogGroup*, logs:*RetentionPolicy, logs:*Tag*", "Log groups of functions."),
    ),
    "aws-native:s3:Bucket": (_S3,),
    "aws-native:s3:BucketPolicy": (_S3,),
    "aws-native:scheduler:Schedule": (Permission("scheduler:*Schedule", "Schedules of functions."),),
    "aws-native:secretsmanager:Secret": (
        Permission("secretsmanager:*Secret, secretsmanager:*Resource", "Secrets, without their values."),
    ),
    "aws-native:sqs:Queue": (Permission("sqs:*Queue*, sqs:*QueueTags", "Queues of failed invocations."),),
    "gcp:artifactregistry/repository": (
        Permission("roles/artifactregistry.admin", "The repository of the products' images."),
    ),
    "gcp:bigquery/dataset": (_BIGQUERY,),
    "gcp:bigquery/datasetAccess": (_BIGQUERY,),
    "gcp:bigquery/datasetIamMember": (_BIGQUERY,),
    "gcp:bigquery/table": (_BIGQUERY,),
    "alchemesh:bigquery:TableSchema": (_BIGQUERY,),
    "gcp:billing/budget": (Permission("roles/billing.costsManager, on the billing account", "Budgets of domains."),),
    "gcp:cloudrunv2/job": (_RUN, _ACT_AS),
    "gcp:cloudrunv2/jobIamMember": (_RUN,),
    "gcp:cloudrunv2/service": (_RUN, _ACT_AS),
    "gcp:cloudrunv2/serviceIamMember": (_RUN,),
    "gcp:cloudscheduler/job": (Permission("roles/cloudscheduler.admin", "Schedules of jobs."), _ACT_AS),
    "gcp:monitoring/notificationChannel": (
        Permission("roles/monitoring.notificationChannelEditor", "The channel of the budget's alerts."),
    ),
    "gcp:projects/iAMMember": (_PROJECT,),
    "gcp:projects/service": (Permission("roles/serviceusage.serviceUsageAdmin", "Activates the services in use."),),
    "gcp:projects/serviceIdentity": (
        Permission("roles/serviceusage.serviceUsageAdmin", "Activates the services in use."),
    ),
    "gcp:pubsub/schema": (_PUBSUB,),
    "gcp:pubsub/subscription": (_PUBSUB,),
    "gcp:pubsub/subscriptionIAMMember": (_PUBSUB,),
    "gcp:pubsub/topic": (_PUBSUB,),
    "gcp:pubsub/topicIAMMember": (_PUBSUB,),
    "gcp:secretmanager/secret": (_SECRETS,),
    "gcp:secretmanager/secretIamMember": (_SECRETS,),
    "gcp:serviceaccount/account": (_ACCOUNTS,),
    "gcp:serviceaccount/iAMMember": (_ACCOUNTS,),
    "gcp:serviceaccount/key": (_KEYS,),
    "gcp:sql/database": (Permission("roles/cloudsql.admin", "The database of the registry."),),
    "gcp:sql/databaseInstance": (Permission("roles/cloudsql.admin", "The database of the registry."),),
    "gcp:storage/bucket": (_STORAGE,),
    "gcp:storage/bucketIAMMember": (_STORAGE,),
    "gcp:storage/transferJob": (Permission("roles/storagetransfer.admin", "Transfer jobs."),),
    "alchemesh:aws:Package": (_FUNCTION_OBJECTS,),
    "alchemesh:aws:Reports": (_FUNCTION_OBJECTS,),
    "alchemesh:kafka:Rights": (_CLUSTER,),
    "alchemesh:kafka:SourceTopic": (
        Permission("Kafka: DESCRIBE and READ on the topic", "Checks that the topic exists, and samples its messages."),
    ),
    "alchemesh:kafka:Topic": (
        Permission(
            "Kafka: CREATE, DESCRIBE, ALTER, DESCRIBE_CONFIGS, ALTER_CONFIGS and DELETE on the topic",
            "The topic of each model.",
        ),
    ),
    "alchemesh:kafka:TopicIngestion": (
        Permission("Kafka: DESCRIBE and READ on the topic, READ on the consumer group", "Reads the messages."),
    ),
    "alchemesh:kafka:MemberUsers": (_CLUSTER,),
    "kafka:index/acl": (_CLUSTER,),
    "kafka:index/userScramCredential": (_CLUSTER,),
    "alchemesh:kestra:Flow": (
        Permission("Kestra: create, read, update and delete flows of the namespace", "The flow."),
        Permission("Kestra: create, read and kill executions, and read their logs, in the namespace", "Its runs."),
    ),
    "alchemesh:nifi:Dataflow": (
        Permission("NiFi: view and modify the component of the root process group", "The dataflow."),
        Permission("NiFi: view and modify parameter contexts and the controller", "Its parameters and services."),
    ),
}

# They need no permission beyond the files and ports of the user who deploys, or change nothing by themselves.
WITHOUT = (
    *("alchemesh:airflow:", "alchemesh:dagster:", "alchemesh:spark:"),
    *("alchemesh:local:", "alchemesh:mesh:", "pulumi:providers:"),
)


def permissions_for(*types: str) -> tuple[Permission, ...]:
    """The permissions for resources of some types, each once.

    Args:
        types: Pulumi types, with or without the class: ``gcp:bigquery/dataset``.

    Raises:
        KeyError: when nothing is known of a type.
    """
    needed = [kind for kind in types if not kind.startswith(WITHOUT)]
    return tuple(dict.fromkeys(each for kind in needed for each in BY_TYPE[_short(kind)]))


def _short(kind: str) -> str:
    return kind.rpartition(":")[0] if "/" in kind and kind.count(":") > 1 else kind
