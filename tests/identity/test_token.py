"""Tokens of a real OpenID Connect provider: a valid one, and every kind of invalid one."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import RSAKey

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.identity.issuer import ProviderUnavailable, published_by
from alchemesh_platform.identity.signed_in import NotSignedIn, keep_token, kept_token_file, token_of
from alchemesh_platform.identity.token import LEEWAY_SECONDS, TokenRefused, verify
from alchemesh_platform.platform_file.models import IdentityProvider, Pipeline
from tests.identity.issuing import AMELIA, Issuer, running_issuer


def _part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _unsigned(issuer: Issuer) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(issuer.claims())}."


def _signed_with_the_public_key(issuer: Issuer) -> str:
    """Signed by hand, because the library refuses to."""
    signed = f"{_part({'alg': 'HS256', 'kid': issuer.key.kid})}.{_part(issuer.claims())}"
    secret = issuer.key.as_pem(private=False)
    digest = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _changed(issuer: Issuer) -> str:
    mine, theirs = issuer.signed(issuer.claims()), issuer.signed(issuer.claims(email="bo@airport.example"))
    header, _, signature = mine.split(".")
    return ".".join((header, theirs.split(".")[1], signature))


def _signed_with_the_key_that_it_brings(issuer: Issuer) -> str:
    mine = RSAKey.generate_key(2048, {"kid": "mine"})
    return issuer.signed(issuer.claims(), {"alg": "RS256", "jwk": mine.as_dict(private=False)}, key=mine)


def _with_a_key_at_an_address(issuer: Issuer) -> str:
    """A verifier that follows the address would ask a server of the attacker."""
    mine = RSAKey.generate_key(2048, {"kid": "mine"})
    return issuer.signed(issuer.claims(), {"alg": "RS256", "kid": "mine", "jku": "http://127.0.0.1:9/keys"}, key=mine)


def _by_hand(issuer: Issuer, claims: str, **header: Any) -> str:
    """A token of claims that no library writes, signed with the provider's own key."""
    body = base64.urlsafe_b64encode(claims.encode()).rstrip(b"=").decode()
    signed = f"{_part({'alg': 'RS256', 'kid': issuer.key.kid, **header})}.{body}"
    key: Any = issuer.key.private_key
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _never_ending(number: str) -> Callable[[Issuer], str]:
    return lambda it: _by_hand(it, json.dumps(it.claims(exp=0)).replace('"exp": 0', f'"exp": {number}'))


BAD: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "expired": (lambda it: it.signed(it.claims(exp=1_700_000_000)), "it expired at 2023-11-14 22:13:20+00:00"),
    "without an end": (lambda it: it.signed(it.claims(exp=None)), "its claim exp is no time"),
    "with an end that is no time": (lambda it: it.signed(it.claims(exp="never")), "its claim exp is no time"),
    "not valid yet": (lambda it: it.signed(it.claims(nbf=4_000_000_000)), "it is not valid before 2096-10-02"),
    "not valid before the end of time": (lambda it: it.signed(it.claims(nbf=1e300)), "an invalid time"),
    "of another issuer": (
        lambda it: it.signed(it.claims(iss="https://evil.example")),
        "it was issued by 'https://evil.example'",
    ),
    "without an issuer": (lambda it: it.signed(it.claims(iss=None)), "it was issued by nothing"),
    "for somebody else": (
        lambda it: it.signed(it.claims(aud=["wiki", "mail"])),
        "it is meant for 'wiki', 'mail', expected alchemesh",
    ),
    "for nobody": (lambda it: it.signed(it.claims(aud=None)), "it is meant for nothing, expected alchemesh"),
    "without an email": (lambda it: it.signed(it.claims(email=None)), "it has no claim 'email'"),
    "with an email that is no text": (lambda it: it.signed(it.claims(email=[AMELIA])), "it has no claim 'email'"),
    "with an email that may be anybody's": (
        lambda it: it.signed(it.claims(email_verified=None)),
        f"the identity provider has not verified the email {AMELIA!r}",
    ),
    "with an email that is verified in words": (
        lambda it: it.signed(it.claims(email_verified="true")),
        "the identity provider has not verified the email",
    ),
    "signed by nobody": (
        _unsigned,
        "it is not signed by a key that only the identity provider has",
    ),
    "signed with the public key as a shared secret": (
        _signed_with_the_public_key,
        "it is not signed by a key that only the identity provider has",
    ),
    "signed with another key of that name": (
        lambda it: it.signed(it.claims(), key=RSAKey.generate_key(2048, {"kid": it.key.kid or ""})),
        "its signature is wrong",
    ),
    "signed with a key that they do not have": (
        lambda it: it.signed(it.claims(), {"alg": "RS256", "kid": "theirs"}),
        "its key is unknown to the issuer",
    ),
    "changed after it was signed": (_changed, "its signature is wrong"),
    "signed with the key that it brings": (_signed_with_the_key_that_it_brings, "it is no signed JSON Web Token"),
    "signed with a key at an address that it names": (_with_a_key_at_an_address, "its key is unknown to the issuer"),
    "with a key that is a path": (
        lambda it: _by_hand(it, json.dumps(it.claims()), kid="../../../../dev/null"),
        "its key is unknown to the issuer",
    ),
    "with an extension that the verifier must know": (
        lambda it: _by_hand(it, json.dumps(it.claims()), crit=["exp2"], exp2=1),
        "it is no signed JSON Web Token",
    ),
    "with an end after every time": (_never_ending("Infinity"), "its claim exp is no time"),
    "with an end that is no number": (_never_ending("NaN"), "its claim exp is no time"),
    "with an end of 400 digits": (_never_ending("9" * 400), "its claim exp is no time"),
    "for an audience that is no text": (
        lambda it: it.signed(it.claims(aud={"alchemesh": True})),
        "expected alchemesh",
    ),
    "for an audience with a longer name": (
        lambda it: it.signed(it.claims(aud="alchemesh-staging")),
        "it is meant for 'alchemesh-staging', expected alchemesh",
    ),
    "too deep to read": (lambda it: _by_hand(it, "[" * 9_000), "it is no signed JSON Web Token"),
    "of a megabyte": (lambda it: it.signed(it.claims(more="x" * 1_000_000)), "a token has at most 16,384"),
    "no token": (lambda _: "not-a-token", "it is no signed JSON Web Token"),
    "a token of garbage": (lambda _: "a.b.c", "it is no signed JSON Web Token"),
    "encrypted": (lambda _: "a.b.c.d.e", "it is no signed JSON Web Token"),
    "not even text": (lambda _: "\x00ü.é.ñ", "it is no signed JSON Web Token"),
}


def test_a_token_of_the_provider_identifies_a_user(issuer: Issuer, provider: IdentityProvider) -> None:
    identity = verify(issuer.token(), provider)
    assert identity == Identity(AMELIA, issuer.url)
    assert identity.is_proven


def test_an_unverified_email_identifies_no_user(issuer: Issuer, provider: IdentityProvider) -> None:
    with pytest.raises(TokenRefused, match=r"has not verified the email 'unverified@airport.example'"):
        verify(issuer.token("unverified@airport.example"), provider)


def test_a_token_that_the_provider_gave_for_another_client_is_refused(
    issuer: Issuer, provider: IdentityProvider
) -> None:
    with pytest.raises(TokenRefused, match="it is meant for 'another', expected alchemesh"):
        verify(issuer.token(client="another"), provider)


@pytest.mark.parametrize("how", BAD)
def test_a_bad_token_is_refused_with_the_reason(how: str, issuer: Issuer, provider: IdentityProvider) -> None:
    make, reason = BAD[how]
    token = make(issuer)
    with pytest.raises(TokenRefused) as refused:
        verify(token, provider)
    assert refused.value.message.startswith("the token of ALCHEMESH_TOKEN is refused: ")
    assert reason in refused.value.message
    assert token not in f"{refused.value.message} {refused.value.hint!s}"
    assert refused.value.hint is not None
    assert refused.value.hint.startswith("get a new one: `alchemesh login`, or set ALCHEMESH_TOKEN to a token of")
    assert refused.value.exit_code == ExitCode.FORBIDDEN


def test_clocks_may_differ_a_little(issuer: Issuer, provider: IdentityProvider) -> None:
    token, now = issuer.signed(issuer.claims(exp=2_000_000_000, iat=1_999_990_000)), 2_000_000_000
    assert verify(token, provider, now=now + LEEWAY_SECONDS - 1).subject == AMELIA
    with pytest.raises(TokenRefused, match="it expired"):
        verify(token, provider, now=now + LEEWAY_SECONDS)


def test_one_of_several_audiences_is_enough(issuer: Issuer, provider: IdentityProvider) -> None:
    assert verify(issuer.signed(issuer.claims(aud=["wiki", "alchemesh"])), provider).subject == AMELIA


def test_another_claim_may_name_the_user(issuer: Issuer, provider: IdentityProvider) -> None:
    named = provider.model_copy(update={"claim": "upn"})
    assert verify(issuer.signed(issuer.claims(upn="a@acme", email_verified=None)), named).subject == "a@acme"


def test_rotated_keys_are_fetched_again(issuer: Issuer, tmp_path: Path) -> None:
    port = int(issuer.url.rpartition(":")[2])
    with running_issuer(tmp_path) as first:
        port = int(first.url.rpartition(":")[2])
        provider = IdentityProvider(provider="oidc", issuer=first.url, audience="alchemesh")
        before = first.token()
        assert verify(before, provider).subject == AMELIA
    with running_issuer(tmp_path, port=port) as second:
        assert verify(second.token(), provider).subject == AMELIA
        with pytest.raises(TokenRefused, match="its key is unknown to the issuer"):
            verify(before, provider)


def test_keys_are_cached_for_a_limited_time_and_only_for_this_user(tmp_path: Path, issuer: Issuer) -> None:
    with running_issuer(tmp_path) as stopped:
        provider = IdentityProvider(provider="oidc", issuer=stopped.url, audience="alchemesh")
        token = stopped.token()
        verify(token, provider)
    assert not published_by(stopped.url).fresh
    assert verify(token, provider).subject == AMELIA
    (kept,) = (tmp_path / "XDG_CACHE_HOME").rglob("issuers/*.json")
    assert kept.stat().st_mode & 0o077 == 0
    kept.write_text("{")
    with pytest.raises(ProviderUnavailable):
        verify(token, provider)


def test_an_unreachable_provider_is_reported(issuer: Issuer) -> None:
    provider = IdentityProvider(provider="oidc", issuer="http://127.0.0.1:9", audience="alchemesh")
    with pytest.raises(ProviderUnavailable, match=r"http://127.0.0.1:9 cannot be reached: .*refused"):
        verify(issuer.signed(issuer.claims()), provider)


def test_a_document_of_another_issuer_is_refused(issuer: Issuer) -> None:
    elsewhere = issuer.url.replace("127.0.0.1", "localhost")
    with pytest.raises(ProviderUnavailable, match="its discovery document is that of another issuer"):
        published_by(elsewhere)


def test_an_address_without_a_provider_is_reported(issuer: Issuer) -> None:
    with pytest.raises(
        ProviderUnavailable, match=r"it responds with 404 at /realms/x/.well-known/openid-configuration"
    ):
        published_by(f"{issuer.url}/realms/x")


def test_without_a_token_no_user_is_signed_in(provider: IdentityProvider) -> None:
    with pytest.raises(NotSignedIn, match="ALCHEMESH_TOKEN has no value here, and no token of a login is kept"):
        token_of(provider, {"ALCHEMESH_TOKEN": " "})


def test_the_token_of_the_environment_comes_before_that_of_a_login(provider: IdentityProvider) -> None:
    file = keep_token(provider, "kept")
    assert file == kept_token_file(provider)
    assert file.stat().st_mode & 0o077 == 0
    assert token_of(provider, {}) == "kept"
    assert token_of(provider, {"ALCHEMESH_TOKEN": "given\n"}) == "given"
    assert time.time() - file.stat().st_mtime < 60


def pipelines(provider: IdentityProvider, *given: Pipeline) -> IdentityProvider:
    return provider.model_copy(update={"pipelines": given})


CI = Pipeline(
    name="orders", claims={"sub": "repo:acme/orders:*", "ref": "refs/heads/main"}, products=("retail/orders",)
)


def test_a_token_with_the_claims_of_a_pipeline_operates_its_products(
    issuer: Issuer, provider: IdentityProvider
) -> None:
    claims = issuer.claims(sub="repo:acme/orders:environment:prod", ref="refs/heads/main", email=None)
    found = verify(issuer.signed(claims), pipelines(provider, CI))
    assert (found.subject, found.issuer, found.pipeline) == ("repo:acme/orders:environment:prod", issuer.url, "orders")
    assert found.may("up", "product", "retail/orders")
    assert not found.may("up", "product", "retail/shoes")
    assert not found.may("up", "domain", "retail")


def test_a_text_that_is_no_token_is_refused_where_pipelines_share_the_issuer(provider: IdentityProvider) -> None:
    """It names no issuer, as the pipeline does not: their match led to a request to no address."""
    shared = provider.model_copy(update={"pipelines": (Pipeline(name="ci", claims={"sub": "job"}),)})

    with pytest.raises(TokenRefused, match="it is no signed JSON Web Token"):
        verify("not-a-token", shared)


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": "repo:acme/orders-of-others:environment:prod"},
        {"sub": "repo:evil/orders:environment:prod"},
        {"ref": "refs/heads/fork"},
        {"ref": None},
    ],
    ids=str,
)
def test_a_token_without_each_claim_is_no_pipeline(
    issuer: Issuer, provider: IdentityProvider, changed: dict[str, str | None]
) -> None:
    claims = {"sub": "repo:acme/orders:environment:prod", "ref": "refs/heads/main", "email": None, **changed}
    with pytest.raises(TokenRefused, match="it has no claim 'email'"):
        verify(issuer.signed(issuer.claims(**claims)), pipelines(provider, CI))


def test_a_pipeline_may_have_an_issuer_of_its_own(issuer: Issuer, provider: IdentityProvider) -> None:
    """GitHub and GitLab issue the tokens of their pipelines themselves."""
    others = CI.model_copy(update={"issuer": issuer.url, "audience": "alchemesh"})
    company = pipelines(
        provider.model_copy(update={"issuer": "https://login.acme.example", "audience": "people"}), others
    )
    right = issuer.claims(sub="repo:acme/orders:environment:prod", ref="refs/heads/main", email=None)
    assert verify(issuer.signed(right), company).pipeline == "orders"
    with pytest.raises(TokenRefused, match="no pipeline of the platform file has its claims"):
        verify(issuer.signed({**right, "sub": "repo:evil/orders:x"}), company)
    with pytest.raises(TokenRefused, match="no pipeline of the platform file has its claims"):
        verify(issuer.token(), company)  # a person of the pipeline's issuer is nobody here
    with pytest.raises(TokenRefused, match="its signature is wrong"):
        verify(issuer.signed(right, key=RSAKey.generate_key(2048, {"kid": issuer.key.kid or ""})), company)
    with pytest.raises(TokenRefused, match="it expired"):
        verify(issuer.signed({**right, "exp": 1_000_000_000}), company)


def test_a_pipeline_is_limited_to_operations_and_may_have_a_whole_domain(
    issuer: Issuer, provider: IdentityProvider
) -> None:
    whole = CI.model_copy(update={"products": ("retail/*",), "operations": ("up", "run")})
    claims = issuer.claims(sub="repo:acme/orders:environment:prod", ref=["refs/heads/main"], email=None)
    found = verify(issuer.signed(claims), pipelines(provider, whole))
    assert found.may("up", "product", "retail/shoes")
    assert not found.may("destroy", "product", "retail/shoes")
    assert not found.may("up", "product", "marketing/mails")


def test_a_pipeline_cannot_pass_for_a_user_of_the_mesh(issuer: Issuer, provider: IdentityProvider) -> None:
    whole = Pipeline(name="orders", claims={"repository": "acme/orders"}, products=("retail/orders",))
    claims = issuer.claims(sub=AMELIA, repository="acme/orders", email=AMELIA, email_verified=True)
    assert verify(issuer.signed(claims), pipelines(provider, whole)).subject == f"pipeline:{AMELIA}"
