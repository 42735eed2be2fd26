"""Catalogue entry of cloud-run-job."""

from alchemesh_components.permissions import permissions_for
from alchemesh_platform.sdk.spec import FOUNDATIONS, ComponentSpec, Role

SPEC = ComponentSpec(
    name="cloud-run-job",
    component_type="python-job",
    roles=(Role.CODE,),
    summary="A Python job on Cloud Run, started by Cloud Scheduler, with the rights that its ports need.",
    version="1.0.0",
    maturity="beta",
    owner="alchemesh",
    stateful=False,
    component="alchemesh_components.code.cloud_run_job.component:CloudRunJob",
    args="alchemesh_components.code.cloud_run_job.models:Args",
    settings="alchemesh_components.gcp.settings:Settings",
    outputs="alchemesh_platform.connections:JobConnection",
    check="alchemesh_components.code.cloud_run_job.check:check",
    depends_on=FOUNDATIONS,
    plugins=("gcp",),
    permissions=permissions_for(
        "gcp:cloudrunv2/job",
        "gcp:cloudrunv2/jobIamMember",
        "gcp:cloudscheduler/job",
        "gcp:projects/iAMMember",
        "gcp:secretmanager/secretIamMember",
        "gcp:serviceaccount/account",
    ),
)
