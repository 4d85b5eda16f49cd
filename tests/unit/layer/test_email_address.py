"""One spelling for each e-mail address, and a reason for each text that is none."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable

import email_validator
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attendee_sync import attendee
from attendee_sync.outcome import Fault, Reason
from attendee_sync.profile import email_address
from attendee_sync.profile.email_address import EmailAddressError, is_address, normalise

ADDRESS = "ada@example.com"
# Every detail there is, so that none can have been put together with a text.
DETAILS = {
    "too long",
    "no @ in it",
    "nobody receives mail under its domain",
    "other words beside the address",
    "not an e-mail address",
    "more than one address in a text",
}


def fault_of(text: str) -> Fault:
    with pytest.raises(EmailAddressError) as raised:
        normalise(text)
    return raised.value.fault


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "a@b.co",
        "ada.lovelace+a@example.com",
        "o'neil@my-company.io",
        "ada_lovelace%x@sub.example.museum",
        "a|b@example.com",
        "ada@demo.test",
        "ada@mail.example",
        "ada@a--host.com",
        "ada@4.my-host9.co.uk",
        "mail@example.com",
        "e-mail@example.com",
        "mailto@example.com",
        "a" * 242 + "@example.com",
        "josé@exämple.de",
        "\u1e96@example.com",
        "ada@straße.de",
        "ada@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444",
    ],
)
def test_an_address_in_its_one_spelling_stays(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("ada@example.com", "ca2d8fcf22da9af3cf9241ec6710e26b"),
        ("o'neil+x@my-company.io", "f51369cb3b1e23c4e6d4b23b18f99dea"),
        ("josé@exämple.de", "bacc4c6e9aec67c6694bc6ce3a8fb548"),
    ],
)
def test_the_keys_of_addresses_never_change(address: str, key: str) -> None:
    found = attendee.key("hash key", "default", attendee.sha256_of(normalise(address)))
    assert found.startswith(key)


@pytest.mark.parametrize(
    "text",
    [
        "Ada@Example.COM",
        "  ada@example.com\n",
        "\u00a0ada@example.com\u3000",
        "mailto:ada@example.com",
        "MAILTO: ada@example.com?subject=Hello there",
        "<mailto:ada@example.com>",
        "SMTP:ada@example.com",
        "acct:ada@example.com",
        "E-mail: ada@example.com",
        "Email address: ada@example.com",
        "<ada@example.com>",
        "< ada@example.com >",
        "Ada Lovelace <ada@example.com>",
        '"Lovelace, Ada" <ada@example.com>',
        "Lovelace, Ada <ada@example.com>;",
        "Ada <ada@example.com> (work)",
        "ada@example.com (Ada Lovelace)",
        "Ada Lovelace (ada@example.com)",
        "ada@example.com <ada@example.com>",
        "<mailto:ada@example.com|ada@example.com>",
        "[ada@example.com](mailto:ada@example.com)",
        "ada@example.com; ada@example.com",
        "ada@example.com, Ada@Example.com",
        "(ada@example.com)",
        "[ada@example.com]",
        '"ada@example.com"',
        "'ada@example.com'",
        "'ada@example.com",
        "`ada@example.com`",
        "\u201cada@example.com\u201d",
        "\u00abada@example.com\u00bb",
        "ada@example.com.",
        "ada@example.com,",
        "ada@example.com;",
        ";ada@example.com",
        ".ada@example.com",
        '"ada@example.com".',
        "ada @example.com",
        "ada@ example.com",
        "ada \u00a0@ example.com",
        "ada@example.com\u200b",
        "\ufeffada@example.com",
        "\u200fada@example.com\u200e",
        "\u202aada@example.com\u202c",
        "ada\u00ad@exam\u2060ple.com",
        "ada\u200d@example.com\u200c",
        "ada\x00@example.com",
        "ada\ud800@example.com",
        "ada\uff20example.com",
        "ada\ufe6bexample.com",
        "ada@example\u3002com",
        "\uff41\uff44\uff41\uff20\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff43\uff4f\uff4d",
        "ada%40example.com",
    ],
)
def test_what_stands_around_an_address_goes(text: str) -> None:
    assert normalise(text) == ADDRESS


def test_a_text_is_looked_at_up_to_a_thousand_characters() -> None:
    around = "<ada@example.com>"
    assert normalise("A" * (1_000 - len(around)) + around) == ADDRESS
    assert fault_of("A" * (1_001 - len(around)) + around) == Fault(Reason.INVALID_EMAIL, "too long")


def test_an_error_tells_why() -> None:
    with pytest.raises(EmailAddressError, match=r"^no @ in it$"):
        normalise("ada")


@pytest.mark.parametrize(
    ("text", "address"),
    [(" Ada@Example.com\n", ADDRESS), ("<ada@example.com>", ""), ("ada@xn--mnchen-3ya.com", "")],
)
def test_of_a_plain_address_no_closer_look_is_taken(text: str, address: str) -> None:
    assert email_address.plain(text) == address


def test_an_address_that_has_an_at_sign_keeps_an_encoded_one() -> None:
    assert normalise("<ada%40home@example.com>") == "ada%40home@example.com"


def test_an_address_of_254_bytes_is_taken_and_no_longer_one() -> None:
    longest = "é" * 121 + "@example.com"
    assert len(longest.encode()) == 254
    assert normalise(longest) == longest
    assert not is_address(f"a{longest}")


def test_no_domain_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_arguments: object, **_options: object) -> None:
        pytest.fail("a domain was looked up")

    monkeypatch.setattr("email_validator.deliverability.validate_email_deliverability", look_up)
    assert is_address("é@example.com")


@pytest.mark.parametrize(
    "text",
    [
        "ada@münchen.example",
        "ADA@MÜNCHEN.example",
        "ada@mu\u0308nchen.example",
        "ada@\uff4dünchen.example",
        "ada@xn--mnchen-3ya.example",
        "Ada <ADA@XN--MNCHEN-3YA.EXAMPLE>",
    ],
)
def test_all_spellings_of_a_domain_are_one(text: str) -> None:
    assert normalise(text) == "ada@münchen.example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("H\u0331@example.com", "\u1e96@example.com"),
        (f"{' ' * 400}É@example.com ", "é@example.com"),
    ],
)
def test_what_is_before_the_at_sign_is_composed_and_in_lower_case(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ada@example",
        "ada@test",
        "é@test",
        "null@null",
        "n/a@n/a.n/a",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "ada..king@example.com",
        "ada.@example.com",
        "ada@-example.com",
        "ada@example-.com",
        "ada@ab--cd.com",
        "ada@xn--a.com",
        "ada@example..com",
        "ada@example.123",
        "ada@127.0.0.1",
        "ada@[127.0.0.1]",
        "ada@[IPv6:::1]",
        '"ada king"@example.com',
        '"ada"@example.com',
        "ada@exam_ple.com",
        "ada@" + "a" * 64 + ".com",
        "a" * 243 + "@example.com",
        "é" * 200 + "@example.com",
        "É" * 900 + "@example.com",
        "ada@example.com/b@example.com",
    ],
)
def test_what_is_no_address_is_invalid(text: str) -> None:
    assert fault_of(text) == Fault(Reason.INVALID_EMAIL, "not an e-mail address")


@pytest.mark.parametrize("text", ["", " ", "ada", "none", "a" * 64, "\u200b", "ada%example.com"])
def test_without_an_at_sign_there_is_no_address(text: str) -> None:
    assert fault_of(text) == Fault(Reason.INVALID_EMAIL, "no @ in it")


# Which of the words belong to the address can't be told: king@example.com may be somebody else.
@pytest.mark.parametrize(
    "text",
    [
        "ada king@example.com",
        "ada,king@example.com",
        "ada@example.com\nking",
        "Ada ada@example.com",
    ],
)
def test_of_several_words_none_is_guessed_to_be_the_address(text: str) -> None:
    assert fault_of(text) == Fault(Reason.INVALID_EMAIL, "other words beside the address")


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com, bob@example.com",
        "ada@example.com;bob@example.com",
        "ada@example.com bob@example.com",
        "ada@example.com / bob@example.com",
        "ada@example.com|bob@example.com",
        "Ada <ada@example.com>, Bob <bob@example.com>",
        "bob@example.com <ada@example.com>",
        "ada@example.com (was bob@example.com)",
        "ada@example.com\nbob@example.com",
    ],
)
def test_several_addresses_in_a_text_are_none(text: str) -> None:
    assert fault_of(text) == Fault(Reason.SEVERAL_EMAILS, "more than one address in a text")


@pytest.mark.parametrize("domain", ["arpa", "invalid", "local", "localhost", "onion", "test"])
def test_of_special_domains_those_for_tests_are_accepted(domain: str) -> None:
    assert domain in email_validator.SPECIAL_USE_DOMAIN_NAMES
    assert len(email_validator.SPECIAL_USE_DOMAIN_NAMES) == 6
    for address in (f"ada@mail.{domain}", f"ada@exämple.{domain}"):
        if domain == "test":
            assert normalise(address) == address
        else:
            assert fault_of(address).detail == "nobody receives mail under its domain"


ODD = st.characters(codec="utf-8") | st.sampled_from(
    "@@@..<>()[]'\"`,;:| HJTW\u0130\u0331\u030c\u0308\u030a\u0316\u200c\u200d\uff20\uff0e\u3002"
)
ODD_ADDRESSES = st.builds(
    "{}@{}.{}".format,
    st.text(ODD, max_size=8),
    st.text(ODD, max_size=8),
    st.sampled_from(["com", "example", "xn--p1ai", "рф", "invalid", "\uff43\uff4f\uff4d"]),
)


@given(st.text(ODD) | ODD_ADDRESSES)
@example("ada@\u00df.com")
@example("\u0130@example.com")
@example("a@xn--\u0130.com")
def test_a_normalised_address_stays_as_it_is_and_is_valid(text: str) -> None:
    try:
        found = normalise(text)
    except EmailAddressError as error:
        assert error.fault.detail in DETAILS  # noqa: PT017
        return
    assert normalise(found) == found
    judged = email_validator.validate_email(
        found, check_deliverability=False, test_environment=True
    )
    assert judged.normalized == found


@given(
    st.from_regex(
        r"[a-z0-9.!#$%&*+/=?^_{|}~-]([a-z0-9.!#$%&'*+/=?^_`{|}~-]{0,8})"
        r"@([a-z0-9_-]{1,6}\.){0,3}(com|test|xn--p1ai|[a-z0-9-]{1,5})",
        fullmatch=True,
    )
)
@example("ada@" + "a" * 63 + ".com")
@example("ada@" + "a" * 64 + ".com")
@example("ada@example." + "a" * 64)
@example("a" * 242 + "@example.com")
@example("a" * 243 + "@example.com")
@example("ada@xn--80ak6aa92e.com")
@example("ada@my--host.com")
@example("ada@a---b.c9c")
@example("ada@ab--host.com")
def test_an_ascii_address_is_judged_as_email_validator_does(address: str) -> None:
    try:
        judged = email_validator.validate_email(
            address, check_deliverability=False, test_environment=True
        )
    except email_validator.EmailNotValidError:
        # A first dot is one of those that stand around an address.
        assert address.startswith(".") or not is_address(address)
        return
    if "." in judged.domain:  # a test environment takes the domain "test" alone
        assert normalise(address) == judged.normalized


@given(ODD_ADDRESSES)
def test_what_email_validator_takes_is_taken_in_its_normal_form(address: str) -> None:
    lower = address.lower()
    try:
        judged = email_validator.validate_email(
            lower, check_deliverability=False, test_environment=True
        )
    except ValueError:
        return
    if not re.search(r"[`'\"\u200c\u200d\uff01-\uff5e\u3002]", lower) and "." in judged.domain:
        assert email_address.is_address(address)


def test_an_address_is_hashed_as_it_is_sent() -> None:
    digest = hashlib.sha256(b"ada@example.com").hexdigest()
    assert attendee.sha256_of(normalise(" Ada@Example.com")) == digest


def test_no_long_text_is_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email_address, "unicodedata", None)
    for length in (255, 10_000):
        assert not is_address("É" * length + "@example.com")


def test_no_plain_address_imports_anything_slow() -> None:
    program = (
        "import sys; from attendee_sync.profile.email_address import is_address;"
        "[is_address(each) for each in"
        " ('ada@example.com', 'Ada <ada@example.com>', 'none', 'a@b.invalid', 'a@b.c; d@e.f')];"
        "print({'email_validator', 'idna', 'dns'} & set(sys.modules))"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"


HOSTILE: list[Callable[[int], str]] = [
    lambda n: "a@" * (n // 2),
    lambda n: "a@b.c x " * (n // 8),
    lambda n: " @" * (n // 2),
    lambda n: "<" * n,
    lambda n: "(" * n,
    lambda n: "<@" * (n // 2),
    lambda n: "mail:" * (n // 5),
    lambda n: "\u200c" * n,
    lambda n: "'" * n,
    lambda n: "%40" * (n // 3),
    lambda n: "a." * (n // 4) + "@" + "b." * (n // 4),
    lambda n: "a@" + "b-" * (n // 2) + "c",
    lambda n: "e" + "\u0301" * n + "@example.com",
    lambda n: "a@xn--" + "9" * n + ".com",
]


@pytest.mark.parametrize("make", HOSTILE)
def test_no_text_takes_long(make: Callable[[int], str]) -> None:
    assert not is_address(make(1_000_000))
    assert not is_address(make(980))
