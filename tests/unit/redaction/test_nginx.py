"""Secrets in nginx's own directives."""

from __future__ import annotations

import pytest

from cozydiag.redaction import Redactor


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('secure_link_md5 "$expires$uri Wor4d-x";', 'secure_link_md5 "$expires$uri <secret#1>";'),
        ("secure_link_secret Wor4d;", "secure_link_secret <secret#1>;"),
        ('if ($arg_token != "Wor4d") { return 403; }', 'if ($arg_token != "<secret#1>") { return 403; }'),
        ("if ($cookie_sess = 'Wor4d') { set $ok 1; }", "if ($cookie_sess = '<secret#1>') { set $ok 1; }"),
    ],
)  # fmt: skip
def test_a_secret_is_hidden_and_the_directive_stays(line: str, shown: str) -> None:
    redactor = Redactor()
    assert redactor.line(line) == shown
    assert redactor.line(shown) == shown


@pytest.mark.parametrize(
    "line",
    [
        "secure_link $arg_md5,$arg_expires;",
        'if ($http_user_agent ~* "curl") { return 403; }',
        'if ($request_method = "POST") { return 405; }',
    ],
)
def test_other_directives_stay(line: str) -> None:
    assert Redactor().line(line) == line
