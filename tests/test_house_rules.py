"""The rules of the house: which folder may import which, and who knows SIP."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "asr": set(), "tts": set(), "plate_parser": set(),
    "ivr": {"asr", "tts", "plate_parser"},
    "dialer": {"ivr", "asr", "tts", "plate_parser"},
    "hotline": {"dialer", "ivr", "asr", "tts", "plate_parser"},
}


def imported_packages(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_one_way(package):
    forbidden = set(MAY_IMPORT) - MAY_IMPORT[package] - {package}
    wrong = {
        str(path.relative_to(ROOT)): names
        for path in (ROOT / package).rglob("*.py")
        if (names := imported_packages(path) & forbidden)
    }
    assert not wrong


def test_only_the_sip_folder_knows_pjsua2():
    users = {
        path.relative_to(ROOT).parts[:2]
        for package in MAY_IMPORT
        for path in (ROOT / package).rglob("*.py")
        if imported_packages(path) & {"pjsua2", "_pjsua2"}
    }
    assert users == {("ivr", "sip")}


def test_source_files_keep_to_one_subject():
    long = {
        str(path.relative_to(ROOT)): count
        for package in MAY_IMPORT
        for path in (ROOT / package).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long
