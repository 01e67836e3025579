"""Of a JWK set those keys count that verify tokens, and of one from a URL the newest."""

from __future__ import annotations

import jwt
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
    segment,
    signed,
    verifier,
)

from trio_gateway.model.errors import ConfigurationError, TokenExpired, Unauthorized
from trio_gateway.session.key_ring import MAX_TRIED
from trio_gateway.session.keys import UnknownKey

URL = "https://id.example.com/keys"


def of_file(tmp_path, *keys, **options):
    file = tmp_path / "jwks.json"
    file.write_bytes(jwks(*keys))
    return of_public_keys(token_jwks_file=file, **options)


@pytest.mark.parametrize(("family", "algorithm"), PUBLIC)
def test_a_key_set_in_a_file_has_keys_of_every_family(family, algorithm, tmp_path):
    judge = of_file(tmp_path, *(jwk(each, kid=each) for each in FAMILIES))

    assert accepts(judge, signed(key=private(family), algorithm=algorithm, kid=family))
    assert accepts(judge, signed(key=private(family), algorithm=algorithm))
    assert not accepts(judge, signed(key=private(family), algorithm=algorithm, kid="another"))
    assert not accepts(judge, signed(key=private(family, 1), algorithm=algorithm, kid=family))


def test_a_key_set_in_a_file_may_hold_secrets(tmp_path):
    judge = of_file(tmp_path, {"kty": "oct", "k": segment(SECRET.encode()), "alg": "HS384"})

    assert accepts(judge, signed(algorithm="HS384"))
    assert not accepts(judge, signed(algorithm="HS256"))


USELESS = {
    "for encryption": jwk("rsa", use="enc"),
    "encrypts": jwk("rsa", key_ops=["encrypt"]),
    "algorithm of encryption": jwk("rsa", alg="RSA-OAEP"),
    "algorithm of secrets": jwk("rsa", alg="HS256"),
    "id that is a number": jwk("rsa", kid=5),
    "tiny modulus": jwk("rsa", n="AQAB"),
    "modulus not Base64": jwk("rsa", n="!"),
    "modulus of nothing": jwk("rsa", n="A" * 5000),
    "no exponent": jwk("rsa", e=""),
    "short RSA": jwk("short rsa"),
    "curve not for tokens": jwk("secp256k1"),
    "coordinate too short": jwk("p256", x="AAAA"),
    "another curve": jwk("p256", crv="P-384"),
    "point beside the curve": jwk("p256", y=jwk("p256")["x"]),
    "Ed25519 called Ed448": jwk("ed25519", crv="Ed448"),
    "Ed25519 called X25519": jwk("ed25519", crv="X25519"),
    "secret without one": {"kty": "oct"},
    "secret that is a PEM": {"kty": "oct", "k": segment(pem("rsa").encode())},
    "unknown family": {"kty": "AKP"},
    "nothing": {},
    "no object": "a key",
}


@pytest.mark.parametrize("useless", USELESS.values(), ids=USELESS)
def test_members_of_a_key_set_that_are_no_key_for_tokens_are_left_out(useless, tmp_path):
    judge = of_file(tmp_path, useless, jwk("p384"))

    assert accepts(judge, signed(key=private("p384"), algorithm="ES384"))
    with pytest.raises(ConfigurationError, match=r"^token_jwks_file: .*: expected a JWK set.*holds none"):
        of_file(tmp_path, useless)


def test_of_a_private_key_in_a_set_the_public_half_is_used(tmp_path):
    whole = jwt.get_algorithm_by_name("RS256").to_jwk(private("rsa"), as_dict=True) | {"key_ops": ["sign", "verify"]}

    assert accepts(of_file(tmp_path, whole), signed(key=private("rsa"), algorithm="RS256"))


NO_SETS = [b"", b"[]", b"{}", b'{"keys":{}}', b'{"keys":1}', b"[" * 5000, b"\xff", jwks(*[{}] * 101)]


@pytest.mark.parametrize("text", NO_SETS, ids=lambda text: repr(text[:20]))
def test_what_is_no_key_set_is_refused_and_the_last_one_stays(text, tmp_path):
    judge = of_public_keys(token_jwks_url=URL)
    judge.take_keys(jwks(jwk("rsa")))

    with pytest.raises(ValueError):
        judge.take_keys(text)
    assert accepts(judge, signed(key=private("rsa"), algorithm="RS256"))
    file = tmp_path / "jwks.json"
    file.write_bytes(text)
    with pytest.raises(ConfigurationError, match=r"^token_jwks_file: "):
        of_public_keys(token_jwks_file=file)


def test_keys_that_were_fetched_replace_the_last_ones():
    judge = verifier(token_jwks_url=URL)
    first = signed(key=private("rsa"), algorithm="RS256", kid="1")
    second = signed(key=private("rsa", 1), algorithm="RS256", kid="2")

    assert judge.take_keys(jwks(jwk("rsa", kid="1"))) == 1
    assert (accepts(judge, first), accepts(judge, second)) == (True, False)
    assert judge.take_keys(jwks(jwk("rsa", kid="1"), jwk("rsa", 1, kid="2"))) == 2
    assert (accepts(judge, first), accepts(judge, second)) == (True, True)
    assert judge.take_keys(jwks()) == 0
    assert (accepts(judge, first), accepts(judge, second)) == (False, False)
    assert accepts(judge, signed())


def test_secrets_that_were_fetched_are_left_out():
    judge = of_public_keys(token_jwks_url=URL)

    assert judge.take_keys(jwks({"kty": "oct", "k": segment(SECRET.encode()), "kid": "1"})) == 0
    assert not accepts(judge, signed(kid="1"))


def is_unknown(judge, token):
    try:
        judge.connection(token)
    except UnknownKey:
        return True
    except Unauthorized:
        return False
    raise AssertionError("it was accepted")


def test_a_key_is_unknown_where_the_url_may_have_it_by_now():
    judge = verifier(token_jwks_url=URL)
    judge.take_keys(jwks(jwk("rsa", kid="1")))

    assert is_unknown(judge, signed(key=private("rsa", 1), algorithm="RS256", kid="2"))
    assert is_unknown(judge, signed(key=private("p256"), algorithm="ES256", kid="2"))
    assert not is_unknown(judge, signed(key=private("rsa", 1), algorithm="RS256", kid="1"))
    assert not is_unknown(judge, signed(key=private("rsa", 1), algorithm="RS256"))
    assert not is_unknown(judge, signed(key=OTHER_SECRET, kid="2")), "no URL publishes secrets"


def test_before_the_first_fetch_every_public_key_is_unknown():
    judge = verifier(token_jwks_url=URL)

    assert is_unknown(judge, signed(key=private("rsa"), algorithm="RS256"))
    assert is_unknown(judge, signed(key=private("rsa"), algorithm="RS256", kid="1"))
    assert not is_unknown(judge, signed(key=OTHER_SECRET))


def test_without_a_url_no_key_is_unknown(tmp_path):
    judge = of_file(tmp_path, jwk("rsa", kid="1"))

    assert not is_unknown(judge, signed(key=private("rsa"), algorithm="RS256", kid="2"))


def test_a_key_without_an_id_is_tried_whatever_the_header_says(tmp_path):
    judge = of_file(tmp_path, jwk("rsa", kid="1"), jwk("rsa", 1), token_jwks_url=URL)

    assert accepts(judge, signed(key=private("rsa", 1), algorithm="RS256", kid="2"))


def test_a_token_that_names_no_key_is_tried_with_a_few(tmp_path):
    keys = [jwk("p256", number, kid=str(number)) for number in range(MAX_TRIED + 1)]
    judge = of_file(tmp_path, *keys)

    assert accepts(judge, signed(key=private("p256", MAX_TRIED - 1), algorithm="ES256"))
    assert not accepts(judge, signed(key=private("p256", MAX_TRIED), algorithm="ES256"))
    assert accepts(judge, signed(key=private("p256", MAX_TRIED), algorithm="ES256", kid=str(MAX_TRIED)))


JWK = st.dictionaries(
    st.sampled_from(["kty", "kid", "use", "alg", "key_ops", "crv", "n", "e", "x", "y", "k", "d"]),
    st.sampled_from(
        ["RSA", "EC", "OKP", "oct", "P-256", "P-521", "Ed25519", "sig", "AQAB", jwk("p256")["x"], jwk("rsa")["n"]]
    )
    | st.text(max_size=50)
    | st.integers()
    | st.lists(st.just("verify"), max_size=2),
    max_size=9,
)


@given(st.lists(JWK, max_size=5).map(lambda keys: jwks(*keys)) | st.binary(max_size=100))
def test_whatever_an_issuer_publishes_is_taken_or_refused(text):
    judge = of_public_keys(token_jwks_url=URL)
    try:
        judge.take_keys(text)
    except ValueError:
        return
    with pytest.raises((Unauthorized, TokenExpired)):
        judge.connection(signed(key=private("rsa", 1), algorithm="RS256", kid="1"))
