"""A token counts if a key of the configuration signed it, by an algorithm of that key's family."""

from __future__ import annotations

import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from session.signing import (
    FAMILIES,
    OTHER_SECRET,
    PUBLIC,
    SECRET,
    accepts,
    jwk,
    jwks,
    of_public_keys,
    pem,
    private,
    private_pem,
    segment,
    signed,
    ssh_text,
    unsigned,
    verifier,
)

from trio_gateway.model.errors import ConfigurationError, Unauthorized
from trio_gateway.session.key_ring import MAX_HEADERS

URL = "https://id.example.com/keys"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_secrets_are_for_three_algorithms_and_the_previous_one_counts_too(algorithm):
    judge = verifier(token_previous_secret=OTHER_SECRET)

    assert accepts(judge, signed(algorithm=algorithm))
    assert accepts(judge, signed(key=OTHER_SECRET, algorithm=algorithm))
    assert not accepts(judge, signed(key=SECRET[1:], algorithm=algorithm))


@pytest.mark.parametrize(("family", "algorithm"), PUBLIC)
def test_a_public_key_is_for_the_algorithms_of_its_family(family, algorithm, tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(pem(family))
    token = signed(key=private(family), algorithm=algorithm)

    assert accepts(of_public_keys(token_public_keys=[file]), token)
    assert accepts(of_public_keys(token_public_keys=[pem(family)]), token)
    others = [pem(other) for other in FAMILIES if other != family]
    assert not accepts(of_public_keys(token_public_keys=[*others, pem(family, 1)]), token)


def test_a_file_may_hold_several_public_keys(tmp_path):
    file = tmp_path / "keys.pem"
    file.write_text(f"for the office\n{pem('rsa')}\nfor the shop\n{pem('p256')}")
    judge = of_public_keys(token_public_keys=[file])

    assert accepts(judge, signed(key=private("rsa"), algorithm="RS256"))
    assert accepts(judge, signed(key=private("p256"), algorithm="ES256"))


@pytest.mark.parametrize("secret", [pem("rsa"), jwk("rsa"), pem("p256")], ids=["PEM", "JWK", "EC PEM"])
def test_the_text_of_a_public_key_is_no_secret(secret):
    text = secret if isinstance(secret, str) else json.dumps(secret)
    head = unsigned(b'{"alg":"HS256"}', b'{"sub":"7"}', "")[:-1]
    forged = f"{head}.{segment(hmac_of(text, head))}"

    assert not accepts(of_public_keys(token_public_keys=[pem("rsa"), pem("p256")]), forged)
    assert not accepts(verifier(token_public_keys=[pem("rsa"), pem("p256")]), forged)


def hmac_of(secret, head, digest="sha256"):
    return hmac.digest(secret.encode(), head.encode(), digest)


@pytest.mark.parametrize("option", ["token_secret", "token_previous_secret", "subscription_token_secret"])
def test_a_key_in_a_secrets_place_is_a_fault_of_the_configuration(option):
    # A secret has no line breaks, so PEM can't be one.
    with pytest.raises(ConfigurationError, match=f"^{option}: expected a secret"):
        verifier(**{option: ssh_text("rsa")})


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "hs256"}, {"alg": ""}, {}])
def test_what_is_not_signed_is_invalid(header):
    for signature in ("", "AA"):
        assert not accepts(verifier(), unsigned(json.dumps(header).encode(), b'{"sub":"7"}', signature))


def test_the_configuration_can_narrow_the_algorithms():
    judge = verifier(token_algorithms=["HS512", "RS256"], token_public_keys=[pem("rsa")])

    assert accepts(judge, signed(algorithm="HS512"))
    assert accepts(judge, signed(key=private("rsa"), algorithm="RS256"))
    assert not accepts(judge, signed())
    assert not accepts(judge, signed(key=private("rsa"), algorithm="PS256"))


@pytest.mark.parametrize(
    "options",
    [
        {"token_algorithms": ["RS256"]},
        {"token_algorithms": ["ES384"], "token_secret": None, "token_public_keys": [pem("p256")]},
        {"token_algorithms": ["HS256"], "token_secret": None, "token_jwks_url": URL},
        {"token_algorithms": ["RS256"], "token_public_keys": [pem("rsa")], "subscription_token_secret": SECRET},
    ],
)
def test_algorithms_that_fit_no_key_are_a_fault_of_the_configuration(options):
    with pytest.raises(ConfigurationError, match=r"^token_algorithms: "):
        verifier(**options)


@pytest.mark.parametrize(
    ("options", "configured"),
    [
        ({}, False),
        ({"token_algorithms": ["RS256"]}, False),
        ({"subscription_token_secret": SECRET}, False),
        ({"token_secret": SECRET}, True),
        ({"token_previous_secret": SECRET}, True),
        ({"token_public_keys": [pem("rsa")]}, True),
        ({"token_jwks_url": URL}, True),
    ],
)
def test_it_is_known_whether_any_connection_token_could_be_right(options, configured):
    assert of_public_keys(**options).is_configured == configured


def test_subscription_tokens_have_the_same_keys_unless_they_have_a_secret_of_their_own():
    token = signed({"sub": "7", "channel": "news"})

    assert verifier().subscription(token).channel == "news"
    apart = verifier(subscription_token_secret=OTHER_SECRET)
    with pytest.raises(Unauthorized):
        apart.subscription(token)
    assert apart.subscription(signed({"channel": "news"}, key=OTHER_SECRET)).channel == "news"
    assert not accepts(apart, signed(key=OTHER_SECRET))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("", "holds no PUBLIC KEY"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", ""),
        (pem("short rsa"), "2048"),
        (pem("secp256k1"), "P-256"),
        (private_pem("rsa"), "private key"),
        (pem("rsa") + " " * 1_048_576, "more than"),
    ],
    ids=["missing", "empty", "broken", "short", "curve", "private", "long"],
)
def test_a_file_without_a_public_key_is_a_fault_of_the_configuration(text, words, tmp_path):
    file = tmp_path / "key.pem"
    if text is not None:
        file.write_text(text)

    with pytest.raises(ConfigurationError, match=f"^token_public_keys: {file}: expected public keys.*{words}"):
        of_public_keys(token_public_keys=[file])


def test_many_headers_are_not_all_remembered():
    judge = verifier()
    for number in range(MAX_HEADERS * 2):
        assert accepts(judge, signed(kid=str(number)))

    assert len(judge._keys._known) <= MAX_HEADERS


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b",
        "a.b.c.d",
        "ä.ö.ü",
        signed() + "=",
        signed() + "\n",
        " " + signed(),
        signed().replace(".", ".\n", 1),
        signed() + "a",
        signed()[:-2],
        signed() + "\ud800",
        signed(crit=["x"], x=1),
        signed() + "." + signed(),
        unsigned(b'{"alg":"HS256","b64":false}'),
        unsigned(b'{"alg":"HS256","kid":1}'),
        unsigned(b"[]"),
        unsigned(b'{"alg":["HS256"]}'),
        unsigned(b"[" * 11_000),
        unsigned(b'{"alg":"HS256","x":' + b"1" * 5000 + b"}"),
    ],
    ids=lambda token: token[:25],
)
def test_what_is_no_token_is_invalid(token):
    with pytest.raises(Unauthorized):
        verifier().connection(token)


def test_a_short_secret_is_warned_of_at_the_start_and_not_at_every_token():
    # A warning would be an error here.
    head = unsigned(b'{"alg":"HS512"}', b'{"sub":"7"}', "")[:-1]

    assert accepts(verifier(token_secret="short"), f"{head}.{segment(hmac_of('short', head, 'sha512'))}")


def test_a_token_may_have_64_kib():
    assert verifier().connection(signed({"info": "x" * 48_000})).info == b'"' + b"x" * 48_000 + b'"'
    with pytest.raises(Unauthorized, match="64 KiB"):
        verifier().connection(signed({"info": "x" * 50_000}))


HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from(["HS256", "RS256", "ES256", "EdDSA", "none", "", None, 1]) | st.text(max_size=5)},
    optional={
        "kid": st.sampled_from(["1", "2", None, 3]) | st.text(max_size=5),
        "crit": st.just(["b64"]) | st.none(),
        "b64": st.booleans() | st.none(),
        "jwk": st.just(jwk("rsa", 1)),
    },
)
ANY = st.text(max_size=300) | st.builds(
    lambda header, claims, signature: f"{segment(json.dumps(header).encode())}.{segment(claims)}.{segment(signature)}",
    HEADERS,
    st.binary(max_size=40) | st.just(b'{"sub":"7"}'),
    st.binary(max_size=300),
)


@given(ANY)
def test_whatever_a_client_sends_as_a_token_is_at_worst_unauthorized(token):
    judge = verifier(token_public_keys=[pem("rsa"), pem("p256"), pem("ed25519")], token_jwks_url=URL)
    judge.take_keys(jwks(jwk("rsa", kid="1"), jwk("p256", kid="1"), jwk("p521")))
    for read in (judge.connection, judge.subscription):
        with pytest.raises(Unauthorized):
            read(token)
