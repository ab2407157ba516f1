"""Every command and Python block of the documentation and both READMEs is executed.

Blocks of one page run in order, in one temporary workspace. `bash` blocks keep their folder from
one to the next; of `console` blocks the lines after `$ ` are run; `python` blocks of a page share
their names; a block with `title="strategies/x.py"` is written to that file first, and
`yaml title="algotrader.yaml"` is written and read as settings. An HTML comment on the line before
a block changes this:

    <!-- not run: needs network -->     only for what a test may not do: network, sudo, make
    <!-- ends with: 2 -->               the exit code a `bash` block is meant to have
    <!-- needs: ALGOTRADER_TEST_DATA --> run only where that variable is set
    <!-- output -->                     of a `text` block: its lines, in this order, are in what the
                                        block of commands before it wrote; `…` stands for any others

Several are joined by `; `.

A page that holds the same commands and code as one before it, but for comments and docstrings (a
translation), is not run again: what it shows is compared with what was written then.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from algotrader.core.errors import ConfigurationError
from algotrader.ops.config import load

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(
    r"(?:^[ \t]*<!-- (?P<note>[^\n]*?) -->[ \t]*\n)?"
    r"^(?P<indent>[ \t]*)```(?P<language>\w+)?(?P<options>[^\n]*)\n"
    r"(?P<body>.*?)^(?P=indent)```[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
RUN = ("bash", "console", "python", "yaml")
OUTPUT = "output"  # language of a checked `text` block
NOT_RUN_REASONS = ("needs network", "needs sudo", "needs make", "needs git", "needs a browser")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block: where it stands, what it holds, what is expected of it."""

    page: Path
    line: int
    language: str
    title: str
    body: str
    not_run: str
    ends_with: int
    needs: str

    def __str__(self) -> str:
        page = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page
        return f"{page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        notes = noted(match["note"] or "")
        title = re.search(r'title="([^"]+)"', match["options"])
        language = OUTPUT if OUTPUT in notes else (match["language"] or "")
        if language not in (*RUN, OUTPUT):
            continue
        yield Block(
            page=page,
            line=text.count("\n", 0, match.start("indent")) + 1,
            language=language,
            title=title[1] if title else "",
            body=textwrap.dedent(match["body"]),
            not_run=notes.get("not run", ""),
            ends_with=int(notes.get("ends with", 0)),
            needs=notes.get("needs", ""),
        )


def noted(comment: str) -> dict[str, str]:
    parts = (part.partition(": ") for part in comment.split("; "))
    return {name: value for name, _, value in parts}


def meant(block: Block) -> tuple[str, str, int, str]:
    """What a block does, whatever language its words are in."""
    return block.language, block.title, block.ends_with, _without_words(block)


def _without_words(block: Block) -> str:
    if block.language == "python":
        tree = ast.parse(block.body)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (
                ast.get_docstring(node) is not None
            ):
                node.body = node.body[1:]
        return ast.dump(tree)
    if block.language == "yaml":
        return repr(yaml.safe_load(block.body))
    return "\n".join(re.sub(r"(^|\s+)#\s.*$", "", line) for line in block.body.splitlines())


def runs_here(block: Block) -> bool:
    return not block.not_run and (not block.needs or block.needs in os.environ)


class Page:
    """The workspace of one page: its folder, its names, what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder
        self.names: dict[str, Any] = {"__name__": "docs"}
        self.written = ""  # by the last block of commands

    def run(self, block: Block) -> None:
        if block.title:
            file = self.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.body, encoding="utf-8")
        if block.language == "python":
            self._python(block)
        elif block.language == "yaml":
            self._settings(block)
        elif block.language == OUTPUT:
            self._compare(block)
        else:
            self._shell(block)

    def _python(self, block: Block) -> None:
        os.chdir(self.folder)
        source = "\n" * block.line + block.body  # so that a trace shows the page's own line
        exec(compile(source, str(block.page), "exec"), self.names)

    def _settings(self, block: Block) -> None:
        if Path(block.title).name == "algotrader.yaml":
            load(self.folder / block.title, environment={})

    def _compare(self, block: Block) -> None:
        written = iter([" ".join(line.split()) for line in self.written.splitlines()])
        for line in block.body.splitlines():
            wanted = " ".join(line.split())
            if wanted not in ("", "…"):
                assert wanted in written, f"{block}: {line!r} is not in\n{self.written}"

    def _shell(self, block: Block) -> None:
        lines = block.body.splitlines()
        if block.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        where = self.home / ".where"
        script = f"trap 'pwd >\"{where}\"' EXIT\nset -eo pipefail\n" + "\n".join(lines)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(self.home),
                "COLUMNS": "100",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.written = done.stdout + done.stderr
        self.folder = Path(where.read_text(encoding="utf-8").strip())
        assert done.returncode == block.ends_with, f"{block}\n{done.stdout}\n{done.stderr}"


Doings = tuple[tuple[str, str, int, str], ...]
Remembered = dict[Doings, str]
"""What was written by the last of these blocks, run one after the other in a new workspace."""


@pytest.fixture(scope="module")
def remembered() -> Remembered:
    return {}


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(runs_here(block) for block in blocks(page))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_block_of_the_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remembered: Remembered
) -> None:
    monkeypatch.chdir(tmp_path)
    found = [block for block in blocks(page) if runs_here(block)]
    run_or_remember(found, Page(tmp_path), remembered)


def run_or_remember(found: list[Block], workspace: Page, remembered: Remembered) -> None:
    doing = [block for block in found if block.language != OUTPUT]
    is_known = tuple(map(meant, doing)) in remembered
    done: Doings = ()
    for block in found:
        if block.language == OUTPUT:
            workspace.run(block)
            continue
        done = (*done, meant(block))
        if is_known:
            workspace.written = remembered[done]
        else:
            workspace.run(block)
            remembered[done] = workspace.written


def test_a_translated_page_is_not_run_again_and_what_it_shows_is_compared(tmp_path: Path) -> None:
    known: Remembered = {}

    def run(comment: str, claimed: str) -> None:
        script = f"# {comment}\necho $((40 + 2)) >>log; cat log"
        text = f"```bash\n{script}\n```\n\n<!-- output -->\n```text\n{claimed}\n```\n"
        run_or_remember(sample_page(tmp_path, text), Page(tmp_path), known)

    run("adds", "42")
    run("\u76f8\u52a0", "42")

    assert (tmp_path / "log").read_text() == "42\n"
    with pytest.raises(AssertionError, match="is not in"):
        run("\u76f8\u52a0", "43")


def test_only_what_a_test_may_not_do_is_left_out() -> None:
    left_out = [block for page in PAGES for block in blocks(page) if block.not_run]
    for block in left_out:
        warnings.warn(f"not run: {block}: {block.not_run}", stacklevel=1)

    unexplained = [str(b) for b in left_out if not b.not_run.startswith(NOT_RUN_REASONS)]
    needed = {block.needs for page in PAGES for block in blocks(page)} - {""}
    assert unexplained == []
    assert needed <= {"ALGOTRADER_TEST_DATA"}


SAMPLE = """# A page

```bash
mkdir inner && cd inner
```

<!-- ends with: 3 -->
```bash
exit 3
```

<!-- not run: needs network -->
```bash
exit 9
```

1. A list

    ```python title="x.py"
    answer = 42
    ```

```python
import pathlib
assert answer == 42 and pathlib.Path("x.py").exists()
```

```console
$ test "$(basename "$PWD")" = inner
this is output
```

<!-- needs: NO_SUCH_VARIABLE; ends with: 4 -->
```bash
exit 5
```

```bash
printf 'one  1\ntwo\nthree\n'
```

<!-- output -->
```text
one 1
…
three
```

```yaml title="algotrader.yaml"
backtest: {cash: 5}
```

```text
nothing to run
```
"""


def sample_page(folder: Path, text: str) -> list[Block]:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return list(blocks(page))


def test_the_harness_runs_what_a_page_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = sample_page(tmp_path, SAMPLE)
    workspace = Page(tmp_path)
    for block in found:
        if runs_here(block):
            workspace.run(block)

    assert [block.language for block in found].count("bash") == 5
    assert [block.line for block in found][:2] == [3, 8]
    assert workspace.folder == tmp_path / "inner"


@pytest.mark.parametrize(
    "text",
    [
        "```bash\nfalse\n```\n",
        "```bash\nfalse | true\n```\n",
        "```python\nassert 1 == 2\n```\n",
        "```console\n$ exit 4\n```\n",
        '```yaml title="algotrader.yaml"\nnonsense: 1\n```\n',
    ],
)
def test_the_harness_notices_a_block_that_fails(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = sample_page(tmp_path, text)

    with pytest.raises((AssertionError, ConfigurationError)):
        Page(tmp_path).run(block)


@pytest.mark.parametrize("said", ["two\none\n", "one\nthree\n", "on\n"])
def test_the_harness_notices_output_that_a_page_only_claims(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Page(tmp_path)
    text = f"```bash\nprintf 'one\\ntwo\\n'\n```\n\n<!-- output -->\n```text\n{said}```\n"
    shell, output = sample_page(tmp_path, text)
    workspace.run(shell)

    with pytest.raises(AssertionError, match="is not in"):
        workspace.run(output)
