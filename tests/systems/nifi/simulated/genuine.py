"""Types of NiFi from its sources, of each version with other names or required properties.

Source: https://github.com/apache/nifi. Of 1.x: ``nifi-nar-bundles``, rel/nifi-1.18.0, and the same names in 1.28.1. Of
2.x: ``nifi-extension-bundles``. ``TYPES_2_3`` and ``SERVICES_2_3`` are from rel/nifi-2.3.0, with the same names in
2.0.0 to 2.6.0; ``TYPES_2`` and ``SERVICES_2`` from rel/nifi-2.7.0, where Google's types have new names and an
*Authentication Strategy*, to which ``GCPCredentialsControllerServiceMigrationTest`` there migrates older ones.
Properties that our dataflows do not set, and that do not affect validity, are omitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

STANDARD = "org.apache.nifi.processors.standard"
GOOGLE = "org.apache.nifi.processors.gcp"

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("GSSAPI", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
RESETS = ("earliest", "latest", "none")


@dataclass(frozen=True)
class Type:
    """A processor or service.

    Args:
        properties: Name: name on the screen.
        sensitive: Names of the sensitive properties.
        values: Property: its allowed values, if they are restricted.
        defaults: Property: its default value.
        takes_any: Whether the type allows user properties; else another property makes the component invalid.
    """

    name: str
    artifact: str
    properties: dict[str, str]
    relationships: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    takes_any: bool = False


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


ROUTE_TEXT = Type(
    f"{STANDARD}.RouteText",
    "nifi-standard-nar",
    _same("Routing Strategy", "Matching Strategy", "Ignore Leading/Trailing Whitespace", "Character Set"),
    ("matched", "unmatched", "original"),
    values={
        "Routing Strategy": (
            "Route to each matching Property Name",
            "Route to 'matched' if line matches all conditions",
            "Route to 'matched' if lines matches any condition",
        ),
        "Matching Strategy": (
            "Satisfies Expression",
            "Starts With",
            "Ends With",
            "Contains",
            "Equals",
            "Matches Regular Expression",
            "Contains Regular Expression",
        ),
    },
    defaults={"Routing Strategy": "Route to each matching Property Name"},
    takes_any=True,
)
MERGE_CONTENT = Type(
    f"{STANDARD}.MergeContent",
    "nifi-standard-nar",
    _same(
        "Merge Strategy",
        "Merge Format",
        "Correlation Attribute Name",
        "Minimum Number of Entries",
        "Maximum Number of Entries",
        "Minimum Group Size",
        "Max Bin Age",
        "Delimiter Strategy",
    )
    | {"Header File": "Header", "Demarcator File": "Demarcator", "Footer File": "Footer"},
    ("merged", "original", "failure"),
    values={"Delimiter Strategy": ("Do Not Use Delimiters", "Filename", "Text")},
    defaults={"Delimiter Strategy": "Do Not Use Delimiters", "Merge Format": "Binary Concatenation"},
)

TYPES_1 = (
    Type(
        "org.apache.nifi.processors.kafka.pubsub.ConsumeKafka_2_6",
        "nifi-kafka-2-6-nar",
        {
            "bootstrap.servers": "Kafka Brokers",
            "topic": "Topic Name(s)",
            "topic_type": "Topic Name Format",
            "group.id": "Group ID",
            "message-demarcator": "Message Demarcator",
            "auto.offset.reset": "Offset Reset",
            "security.protocol": "Security Protocol",
            "sasl.mechanism": "SASL Mechanism",
            "sasl.username": "Username",
            "sasl.password": "Password",
            "ssl.context.service": "SSL Context Service",
        },
        ("success",),
        sensitive=("sasl.password",),
        values={"security.protocol": PROTOCOLS, "sasl.mechanism": MECHANISMS, "auto.offset.reset": RESETS},
        defaults={"security.protocol": "PLAINTEXT", "sasl.mechanism": "GSSAPI", "auto.offset.reset": "latest"},
        takes_any=True,
    ),
    ROUTE_TEXT,
    MERGE_CONTENT,
    Type(
        f"{GOOGLE}.storage.PutGCSObject",
        "nifi-gcp-nar",
        {
            "gcp-credentials-provider-service": "GCP Credentials Provider Service",
            "gcs-bucket": "Bucket",
            "gcs-key": "Key",
            "gcs-content-type": "Content Type",
            "gzip.content.enabled": "GZIP Compression Enabled",
            "gcs-overwrite-object": "Overwrite Object",
        },
        ("success", "failure"),
        defaults={"gcs-overwrite-object": "true", "gzip.content.enabled": "true"},
        takes_any=True,  # metadata of the object
    ),
)
SERVICES_1 = (
    Type(
        f"{GOOGLE}.credentials.service.GCPCredentialsControllerService",
        "nifi-gcp-nar",
        {
            "application-default-credentials": "Use Application Default Credentials",
            "compute-engine-credentials": "Use Compute Engine Credentials",
            "service-account-json-file": "Service Account JSON File",
            "service-account-json": "Service Account JSON",
        },
        sensitive=("service-account-json",),
        defaults={"application-default-credentials": "false", "compute-engine-credentials": "false"},
    ),
)
TYPES_2 = (
    Type(
        "org.apache.nifi.kafka.processors.ConsumeKafka",
        "nifi-kafka-nar",
        {
            "Kafka Connection Service": "Kafka Connection Service",
            "Group ID": "Group ID",
            "Topics": "Topics",
            "auto.offset.reset": "Auto Offset Reset",
            "Processing Strategy": "Processing Strategy",
            "Message Demarcator": "Message Demarcator",
        },
        ("success",),  # and ``parse failure`` once there is a record reader
        values={"Processing Strategy": ("FLOW_FILE", "DEMARCATOR", "RECORD"), "auto.offset.reset": RESETS},
        defaults={"Processing Strategy": "FLOW_FILE", "auto.offset.reset": "latest"},
    ),
    ROUTE_TEXT,
    MERGE_CONTENT,
    Type(
        f"{GOOGLE}.storage.PutGCSObject",
        "nifi-gcp-nar",
        _same(
            "GCP Credentials Provider Service",
            "Bucket",
            "Key",
            "Content Type",
            "GZIP Compression Enabled",
            "Overwrite Object",
            "Storage API URL",
        ),
        ("success", "failure"),
        defaults={"Overwrite Object": "true", "GZIP Compression Enabled": "true"},
        takes_any=True,
    ),
)
KAFKA_CONNECTION = Type(
    "org.apache.nifi.kafka.service.Kafka3ConnectionService",
    "nifi-kafka-3-service-nar",
    {
        "bootstrap.servers": "Bootstrap Servers",
        "security.protocol": "Security Protocol",
        "sasl.mechanism": "SASL Mechanism",
        "sasl.username": "SASL Username",
        "sasl.password": "SASL Password",
        "SSL Context Service": "SSL Context Service",
    },
    sensitive=("sasl.password",),
    values={"security.protocol": PROTOCOLS, "sasl.mechanism": MECHANISMS},
    defaults={"security.protocol": "PLAINTEXT", "sasl.mechanism": "GSSAPI"},
    takes_any=True,
)
CONSUME_2, *_STANDARD_2, _ = TYPES_2
*_, WRITE_1 = TYPES_1
TYPES_2_3 = (
    CONSUME_2,
    *_STANDARD_2,
    replace(WRITE_1, properties={**WRITE_1.properties, "storage-api-url": "Storage API URL"}),
)
SERVICES_2_3 = (KAFKA_CONNECTION, *SERVICES_1)
SERVICES_2 = (
    KAFKA_CONNECTION,
    Type(
        f"{GOOGLE}.credentials.service.GCPCredentialsControllerService",
        "nifi-gcp-nar",
        # NiFi reads the key only if the strategy requires it.
        _same("Authentication Strategy", "Service Account JSON File", "Service Account JSON"),
        sensitive=("Service Account JSON",),
        values={
            "Authentication Strategy": (
                "Application Default Credentials",
                "Service Account Credentials (Json File)",
                "Service Account Credentials (Json Value)",
                "Compute Engine Credentials",
            )
        },
        defaults={"Authentication Strategy": "Application Default Credentials"},
    ),
)
