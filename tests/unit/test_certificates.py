"""What is read of certificates: the recorded ones, and bytes that are none."""

from __future__ import annotations

import ssl
from datetime import datetime, timezone
from pathlib import Path

import pytest

from cozydiag.certificates import Certificate, MalformedError, covers, parse, pem

RECORDED = Path(__file__).parents[1] / "recordings" / "certificates"
NAMES = sorted(path.stem for path in RECORDED.glob("*.crt"))


def read(name: str) -> Certificate:
    (found,) = pem((RECORDED / f"{name}.crt").read_bytes())
    return found


def at(year: int) -> float:
    return datetime(year, 1, 1, tzinfo=timezone.utc).timestamp()


def test_what_stands_in_one() -> None:
    found = read("valid")
    assert found._replace(raw=b"") == Certificate(
        "cozy.test", "Throw-away issuer of tests", ("cozy.test", "*.cozy.test", "127.0.0.1", "::1"), at(2020), at(2120),
        self_signed=False, fetchable=True, raw=b"",
    )  # fmt: skip
    assert found.lifetime == at(2120) - at(2020)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_is_read_as_by_openssl(name: str) -> None:
    """`_test_decode_cert` is CPython's own way to test what `getpeercert` gives; only tests may use it."""
    theirs = ssl._ssl._test_decode_cert(str(RECORDED / f"{name}.crt"))  # type: ignore[attr-defined]
    ours = read(name)
    assert ours.not_before == ssl.cert_time_to_seconds(theirs["notBefore"])
    assert ours.not_after == ssl.cert_time_to_seconds(theirs["notAfter"])
    assert ours.names == tuple(value.lower().replace("0:0:0:0:0:0:0:1", "::1")
                               for _, value in theirs.get("subjectAltName", ()))  # fmt: skip
    assert ours.subject == dict(part[0] for part in theirs["subject"])["commonName"]
    assert ours.issuer == dict(part[0] for part in theirs["issuer"])["commonName"]
    assert ours.self_signed == (theirs["issuer"] == theirs["subject"])
    assert ours.fetchable == bool(theirs.get("caIssuers"))


def test_a_file_may_hold_several_among_other_things() -> None:
    files = [(RECORDED / name).read_bytes() for name in ("cozy.key", "valid.crt", "issuer.crt")]
    assert pem(b"a note\n".join(files)) == [read("valid"), read("issuer")]
    assert pem(files[0]) == []


def test_bytes_that_are_none_are_told_and_nothing_else_happens() -> None:
    whole = read("valid").raw
    for end in range(len(whole)):
        with pytest.raises(MalformedError):
            parse(whole[:end])
    for place in range(len(whole)):
        for value in (0x00, 0x80, 0xFF, whole[place] ^ 1):
            try:
                parse(whole[:place] + bytes([value]) + whole[place + 1 :])
            except MalformedError:
                pass
    with pytest.raises(MalformedError):
        pem(b"-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")


@pytest.mark.parametrize(
    ("certificate", "name", "covered"),
    [
        ("valid", "cozy.test", True),
        ("valid", "COZY.test.", True),
        ("valid", "drive.cozy.test", True),
        ("valid", "a.drive.cozy.test", False),
        ("valid", "test", False),
        ("valid", "127.0.0.1", True),
        ("valid", "127.0.0.2", False),
        ("valid", "::1", True),
        ("flat", "cozy-drive.test", True),
        ("flat", "drive.cozy.test", False),
        ("other-name", "cozy.test", False),
        ("common-name", "cozy.test", True),
        ("common-name", "drive.cozy.test", False),
    ],
)
def test_names_that_one_is_for(certificate: str, name: str, covered: bool) -> None:
    assert covers(read(certificate), name) is covered


def test_a_star_does_not_stand_for_a_part_of_an_address() -> None:
    assert not covers(read("valid")._replace(names=("*.0.0.1",)), "127.0.0.1")


def test_the_common_name_of_one_that_an_authority_signed_is_not_looked_at() -> None:
    assert not covers(read("valid")._replace(names=()), "cozy.test")
