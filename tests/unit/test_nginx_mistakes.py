"""Names in nginx's configuration that the parser does not know: mistakes only where nginx does not know them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cozydiag.host import Host, World
from cozydiag.proxies import nginx_mistakes

SITE = "events {{}}\nhttp {{\n    server {{\n        listen 8080;\n        {line}\n    }}\n}}\n"


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.setattr(nginx_mistakes, "MODULES", (str(folder),))
    return folder


def mistakes(folder: Path, line: str, program: bytes = b"") -> list[str]:
    (folder / "nginx.conf").write_text(SITE.format(line=line), "utf-8")
    (folder / "nginx").write_bytes(program)
    read = nginx_mistakes.examine(Host(World()), str(folder / "nginx.conf"), str(folder / "nginx"))
    return [mistake.message for mistake in read.mistakes]


def test_a_name_that_nginx_does_not_know_either_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "proxy_pas http://127.0.0.1;", b"\0proxy_pass\0") == ['unknown directive "proxy_pas"']


def test_a_name_newer_than_the_parser_is_none(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "http2 on;") == ['unknown directive "http2"']
    assert mistakes(tmp_path, "http2 on;", b"\x7fELF\0http2\0") == []


def test_a_name_of_a_module_is_none(tmp_path: Path, modules: Path) -> None:
    (modules / "ngx_http_headers_more_filter_module.so").write_bytes(b"\0more_set_headers\0")
    assert mistakes(tmp_path, "more_set_headers 'Server: none';") == []
    assert mistakes(tmp_path, "more_clear_headers Server;") == ['unknown directive "more_clear_headers"']


def test_a_block_of_a_module_hides_no_mistake_and_makes_none(tmp_path: Path) -> None:
    block = "content_by_other {\n set $x 1;\n }"
    assert mistakes(tmp_path, block, b"\0content_by_other\0") == []
    both = mistakes(tmp_path, block + "\n root /srv", b"\0content_by_other\0")
    assert both
    assert "content_by_other" not in both[0]


def test_without_the_program_an_unknown_name_counts_as_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(SITE.format(line="http2 on;"), "utf-8")
    read = nginx_mistakes.examine(Host(World()), str(tmp_path / "nginx.conf"), str(tmp_path / "missing"))
    assert [str(mistake) for mistake in read.mistakes] == [f'unknown directive "http2" in {tmp_path}/nginx.conf:5']


@pytest.mark.parametrize(
    "table",
    ["types {\n text/html html;\n text/css css;\n }", "map $a $b {\n default 0;\n ~*bot 1;\n }", "include mime.types;"],
)
def test_a_row_of_a_table_is_no_directive(tmp_path: Path, table: str) -> None:
    """Debian's nginx.conf includes a table of types."""
    (tmp_path / "mime.types").write_text("types {\n    text/html html;\n    text/css css;\n}\n", "utf-8")
    (tmp_path / "nginx.conf").write_text(f"events {{}}\nhttp {{\n{table}\n}}\n", "utf-8")
    read = nginx_mistakes.examine(Host(World()), str(tmp_path / "nginx.conf"), str(tmp_path / "missing"))
    assert [str(mistake) for mistake in read.mistakes] == []
