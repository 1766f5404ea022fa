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
ROOMS = {
    "hotline": ("__main__", "cli", "bench", "replay", "recorder", "demo", "*.py",
                "promises", "move_car", "owners", "desk", "texting", "cases", "storage", "errors"),
    "dialer": ("owners", "vault", "queue", "texting", "database", "register", "*.py", "answer"),
    "asr": ("training", "measure", "hear", "engines", "remote", "free_speech", "pool",
            "ear", "search", "grammars", "listening", "line", "recognizer"),
}
"""Each may import from those after it. `*.py`: the files beside the rooms."""
FOR_ITS_TYPE = "asr.recognizer imports asr.grammars.grammar.Grammar"
"""Names the type and imports nothing when it runs."""


def imports(path: Path) -> set[str]:
    """Every name that is imported, with its module: `ivr.call.HungUp`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imported_packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def place(package: str, name: str) -> int:
    """Which of the package's rooms a module, or a name in it, is in. Raises ValueError for one not listed."""
    room = name.split(".")[1]
    beside = room not in ROOMS[package] and (ROOT / package / f"{room}.py").exists()
    return ROOMS[package].index("*.py" if beside else room)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_one_way(package):
    forbidden = set(MAY_IMPORT) - MAY_IMPORT[package] - {package}
    wrong = {
        str(path.relative_to(ROOT)): names
        for path in (ROOT / package).rglob("*.py")
        if (names := imported_packages(path) & forbidden)
    }
    assert not wrong


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_only_from_under_them(package):
    wrong = [
        f"{module} imports {name}"
        for path in (ROOT / package).rglob("*.py")
        for module in [".".join(path.relative_to(ROOT).with_suffix("").parts)]
        for name in imports(path)
        if name.startswith(f"{package}.") and place(package, name) < place(package, module)
    ]
    assert set(wrong) <= {FOR_ITS_TYPE}


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
