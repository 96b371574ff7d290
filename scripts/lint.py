"""House rules that no compiler knows: budgets, columns, words, layers.

Prints every breach as FILE:LINE and the figures of the budgets; exits 1 if a
hard limit is broken.  Needs universal-ctags.
"""

import pathlib
import re
import statistics
import subprocess
import sys

COLUMNS = 80
FILE_LINES, FILE_LINES_HARD = 600, 1000
FUNCTION_LINES_90, FUNCTION_LINES_MEDIAN, FUNCTION_LINES_HARD = 60, 25, 100

# Folder → the folders whose headers it may include, besides its own.
LAYERS = {
    "core": (),
    "wire": ("core",),
    "net": ("core",),
    "repo": ("core",),
    "deploy": ("core",),
    "agent": ("core", "wire", "net", "repo", "deploy"),
    "hub": ("core", "wire", "net", "repo"),
    "activate": ("core", "deploy"),
    "cli": ("core", "wire", "net"),
}
# A file asks for its system by its name: X_linux.c, X_darwin.c.
SYSTEMS = re.compile(
    r"\b(__APPLE__|__MACH__|__linux__|__linux|linux|TARGET_OS_\w+)\b")
PROMISES = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
REGISTRIES = re.compile(
    r"registry\.(npmjs|yarnpkg)|pypi\.org|files\.pythonhosted")
# Other spellings of the glossary's words, and of names, → ours.
SPELLINGS = [(re.compile(wrong), right) for wrong, right in (
    (r"\b(Nixfleet|NIXFleet|nixFleet|Nix Fleet)\b", "NixFleet"),
    (r"\b(Nixos|NixOs|Nix OS)\b", "NixOS"),
    (r"\b([Hh]ome Manager|home manager|HomeManager)\b", "home-manager"),
    (r"\b([Nn]ix darwin|nixdarwin|NixDarwin)\b", "nix-darwin"),
    (r"\b(MacOS|OSX|OS X|Mac OS)\b", "macOS"),
    (r"\b(Systemd|SystemD)\b", "systemd"),
    (r"\b(Github|Gitlab|ForgeJo)\b", "GitHub, GitLab, Forgejo"),
    (r"\b(Websocket|web socket)s?\b", "WebSocket"),
    (r"\bSqlite\b|\bSQLIte\b", "SQLite"),
    (r"\bheart[- ]beat", "heartbeat"),
    (r"\broll-back", "rollback, or roll back"),
    (r"\btime-outs?\b", "timeout"),
    (r"\bwork trees?\b", "working tree"),
    (r"\bcheck-outs?\b", "checkout, a person's"),
    (r"\b(enrolment|agent) tokens?\b", "shared token, or own token"),
    (r"\bpreseeding\b", "pre-seeding"),
    (r"\bdash[- ]board", "dashboard"),
    (r"[Qq]uarantin", "held back"),
    (r"\b[Ss]ign(s|ed|ing)?[- ](in|out)\b", "log in, log out"),
    (r"\bisolated (clone|repositor)", "clone"),
    (r"\b(per-)?host tokens?\b", "own token"),
    (r"\b[Ee]nroll(s|ment)?\b", "enrol, enrolment"),
    (r"\b[Hh]ealth[- ]checks?\b", "probe"),
    (r"\bcommit (hash|id)(es|s)?\b", "revision"),
)]


def tracked(*patterns):
    out = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],
        capture_output=True, text=True, check=True,
    ).stdout
    return [pathlib.Path(p) for p in out.split("\n") if p]


def width(line):
    return len(line.expandtabs(8))


def lint_text(path, problems):
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}"
        if path.suffix in (".c", ".h"):
            if width(line) > COLUMNS:
                problems.append(f"{where}: {width(line)} columns")
            if line != line.rstrip():
                problems.append(f"{where}: blanks at the end of the line")
        if path.name != "lint.py" and PROMISES.search(line):
            problems.append(f"{where}: a promise without an owner")
        if path.name != "lint.py" and REGISTRIES.search(line):
            problems.append(f"{where}: host name of a package registry")
        for wrong, right in SPELLINGS if path.name != "lint.py" else ():
            if wrong.search(line):
                problems.append(f"{where}: here this is called {right}")


def lint_layers(path, owners, problems):
    folder = path.parts[0]
    if folder not in LAYERS:
        return
    for number, line in enumerate(path.read_text().split("\n"), 1):
        found = re.match(r'#include "([^"]+)"', line)
        if not found:
            continue
        owner = owners.get(found.group(1))
        if owner is None:
            problems.append(f"{path}:{number}: no such header")
        elif owner != folder and owner not in LAYERS[folder]:
            problems.append(
                f"{path}:{number}: {folder}/ may not include {owner}/"
            )


def lint_systems(sources, problems):
    """No #if for a system; both files of a pair export the same."""
    for path in sources:
        for number, line in enumerate(path.read_text().split("\n"), 1):
            if re.match(r"\s*#\s*(el)?if", line) and SYSTEMS.search(line):
                problems.append(f"{path}:{number}: put it in a pair of files "
                                f"*_linux.c and *_darwin.c")
    for path in sources:
        found = re.search(r"_(linux|darwin)\.c$", path.name)
        if not found:
            continue
        other = path.with_name(path.name.replace(
            found.group(0),
            "_darwin.c" if found.group(1) == "linux" else "_linux.c"))
        if not other.exists():
            problems.append(f"{path}: there is no {other}")
            continue
        for name in sorted(exported(path) - exported(other)):
            problems.append(f"{other}: has no {name}, which {path} has")


def exported(path):
    """What a C file defines for others: functions and objects."""
    out = subprocess.run(
        ["ctags", "--languages=C", "--kinds-C=fv", "--fields=+f", "-f", "-",
         str(path)], capture_output=True, text=True, check=True,
    ).stdout
    return {row.split("\t")[0] for row in out.splitlines()
            if "\tfile:" not in row}


def lint_documents(problems):
    """The index has every page, the table of failures names tests."""
    docs = pathlib.Path("docs")
    index = (docs / "README.md").read_text()
    for page in tracked("docs/*.md"):
        name = str(page.relative_to(docs))
        if name != "README.md" and f"({name})" not in index:
            problems.append(f"{page}: docs/README.md does not have it")
    page = docs / "explanation/failures.md"
    for number, row in enumerate(page.read_text().split("\n"), 1):
        if not row.startswith("| ") or row.startswith("| when"):
            continue
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`",
                           row.split(" | ")[-1])
        if not named:
            problems.append(f"{page}:{number}: names no test")
        for file, test in named:
            file = pathlib.Path(file)
            if not file.exists() or not re.search(
                    rf"^def {test}\(", file.read_text(), re.M):
                problems.append(f"{page}:{number}: no test {test}")


def functions(paths):
    """(lines, file, line, name) of every C function."""
    out = subprocess.run(
        ["ctags", "-L", "-", "--languages=C", "--kinds-C=f",
         "--fields=+ne", "-f", "-"],
        input="\n".join(map(str, paths)), capture_output=True, text=True,
        check=True,
    ).stdout
    for row in out.splitlines():
        name, path = row.split("\t")[:2]
        start = re.search(r"\tline:(\d+)", row)
        end = re.search(r"\tend:(\d+)", row)
        if start and end:
            lines = int(end.group(1)) - int(start.group(1)) + 1
            yield lines, path, int(start.group(1)), name


def lint_budgets(sources, problems):
    for path in sources:
        lines = len(path.read_text().split("\n")) - 1
        if lines > FILE_LINES_HARD:
            problems.append(f"{path}: {lines} lines")
        elif lines > FILE_LINES:
            print(f"lint: note: {path} has {lines} lines "
                  f"(budget {FILE_LINES})")
    rows = sorted(functions([p for p in sources if p.suffix == ".c"]))
    if not rows:
        return
    for lines, path, line, name in rows:
        if lines > FUNCTION_LINES_HARD:
            problems.append(f"{path}:{line}: {name} has {lines} lines")
    sizes = [row[0] for row in rows]
    ninety = sizes[len(sizes) * 9 // 10]
    print(f"lint: {len(rows)} functions, median {statistics.median(sizes):g} "
          f"lines (budget {FUNCTION_LINES_MEDIAN}), 90 % up to {ninety} "
          f"(budget {FUNCTION_LINES_90}), longest {sizes[-1]} "
          f"(limit {FUNCTION_LINES_HARD})")


def main():
    sources = [p for p in tracked("*.c", "*.h") if p.exists()]
    product = [p for p in sources if p.parts[0] != "tests"]
    owners = {p.name: p.parts[0] for p in product if p.suffix == ".h"}
    problems = []
    names = [p.name for p in product]
    for name in sorted({n for n in names if names.count(n) > 1} - {"main.c"}):
        problems.append(f"{name}: a file name that stands twice in the tree")
    for path in tracked():
        if path.is_file() and path.suffix not in (".png", ".ico", ".gz"):
            lint_text(path, problems)
    for path in product:
        lint_layers(path, owners, problems)
    lint_systems(product, problems)
    lint_documents(problems)
    lint_budgets(product, problems)
    for problem in problems:
        print(f"lint: {problem}")
    print(f"lint: {len(product)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
