"""A bill in FOCUS 1.2 passes the validator of the FinOps Foundation."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from alchemesh_platform.billing.bill import Bill
from alchemesh_platform.billing.charges import Basis, bill_of
from alchemesh_platform.billing.formats.focus import focus_text
from alchemesh_platform.billing.period import Period
from tests.billing.ports import AMELIA, DESK, FLAT, PER_USE, PORT, access, at, used, version
from tests.packaging.installing import pip

pytestmark = pytest.mark.slow

WANTED = ("focus-validator==2.2.1", "graphviz==0.21", "sqlglot>=27.28.1,<28")
QUOTES = """f"'{k.replace('\\"', '\\"\\"')}'\""""
# What the platform supports of the specification; columns of other conditions are present and empty.
SUPPORTED = (
    "ACCOUNT_NAMING_SUPPORTED",
    "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED",
    "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
)
# The validator cannot know whether a charge has an invoice, and reports every id of one.
UNDECIDABLE = {"InvoiceId-C-004-C"}


@pytest.fixture(scope="module")
def validator(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The validator, which is no dependency of the project, in an environment of its own."""
    folder = tmp_path_factory.mktemp("focus")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(f"{libraries}\n", "utf-8")
    python = str(folder / "bin" / "python")
    pip(python, "install", "--no-compile", "pandas>=2.2")
    # Only one line of it needs Python 3.12: quotes inside an f-string.
    pip(python, "install", "--no-compile", "--ignore-requires-python", "--no-deps", *WANTED)
    converter = packages / "focus_validator" / "config_objects" / "focus_to_duckdb_converter.py"
    text = converter.read_text("utf-8")
    assert QUOTES in text
    converter.write_text(text.replace(QUOTES, """"'" + k.replace('"', '""') + "'\""""), "utf-8")
    return folder / "bin" / "python"


def bills() -> Iterable[Bill]:
    """A final bill with a line of each kind and unit, and a draft in a currency without decimals."""
    versions = [
        version({**PER_USE, "credits": {"uptime": "10%"}}),
        version({**PER_USE, "per": "1 million rows", "price": 1.5}, "2.0.0"),
        version({**PER_USE, "per": "3 GiB"}, "3.0.0"),
        version({**PER_USE, "per": "3 requests"}, "4.0.0"),
        version({**FLAT, "per": "quarter"}, "5.0.0", (at(3), None)),
        version({**FLAT, "per": "30d"}, "6.0.0", (at(3), None)),
    ]
    usage = [
        used(at(3), 1234),
        used(at(4), 5, contract_version="2.0.0", rows=1_234_567),
        used(at(4), 5, AMELIA, contract_version="3.0.0", bytes_out=12_345_678_901),
        used(at(4), 100, "technical_team:operations/desk", contract_version="4.0.0"),
        used(at(30, month=10), 77, received_at=at(9)),
    ]
    granted = [access(DESK, (at(1, month=10), None))]
    broken = frozenset({"uptime"})
    basis = Basis(environment="demo", port=PORT, versions=versions, access=granted, usage=usage, broken=broken)
    yield bill_of(basis, Period(2026, 11), at(10, month=12))
    yen = [version({"model": "flat", "price": 3000, "currency": "JPY"})]
    yield bill_of(Basis(environment="demo", port=PORT, versions=yen, access=granted), Period(2026, 11), at(16))


def test_a_bill_passes_the_validator(validator: Path, tmp_path: Path) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(focus_text(bills()), "utf-8")
    (packages,) = (validator.parents[1]).glob("lib/python*/site-packages")
    command = [validator, "-m", "focus_validator.main", "--data-file", file, "--validate-version", "1.2"]
    options = ["--block-download", "--show-violations", "--applicability-criteria", ",".join(SUPPORTED)]
    # It reads its list of currencies relative to the working directory.
    done = subprocess.run([*command, *options], cwd=packages, capture_output=True, text=True, check=False)

    passed, failed = (re.findall(rf"(\S+): {word}\b", done.stdout) for word in ("PASS", "FAIL"))
    assert set(failed) == UNDECIDABLE, done.stdout + done.stderr
    assert len(passed) > 250
    assert {"BilledCost-C-000-M", "ChargeClass-C-000-M", "PricingQuantity-C-000-M", "ListCost-C-000-M"} <= set(passed)
