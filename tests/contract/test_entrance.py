"""Where senders push: a domain of one's own, client certificates, a firewall, OAuth 2."""

import json
from typing import Any

import pytest

from attendee_sync_cli.stack import app_clients
from local.checks.transformed import EVERY_OPTION
from tests.support.template import TEMPLATE, made, refused, resolved

OUTPUTS = TEMPLATE["Outputs"]
DOMAIN = {name: EVERY_OPTION[name] for name in ("DomainName", "CertificateArn")}
ZONE = {"HostedZoneId": EVERY_OPTION["HostedZoneId"]}
TRUST = {"TruststoreUri": EVERY_OPTION["TruststoreUri"]}
WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/mine/0a1b2c3d-4e5f"
OPTIONAL = {
    "CustomDomain",
    "DomainMapping",
    "DomainRecord",
    "AnonymousWebAcl",
    "WebAclAssociation",
    "SenderPool",
    "SenderPoolDomain",
    "SenderScope",
    "OAuthPushPermission",
}
OAUTH = {"OAuthDomain": EVERY_OPTION["OAuthDomain"]}
OAUTH_PATH = "/v1/oauth2/destinations/{destination}/profiles"


def made_for(**given: str) -> set[str]:
    return OPTIONAL & made(**given).keys()


def push_url(**given: str) -> str:
    return str(resolved(TEMPLATE["Outputs"]["PushUrl"]["Value"], given))


def has_own_address(**given: str) -> bool:
    """Tell whether API Gateway's own address answers."""
    [server] = made(**given)["Api"]["Properties"]["Body"]["servers"]
    return not server["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"]


def test_by_default_senders_push_to_api_gateway_s_own_address() -> None:
    assert made_for() == set()
    assert push_url().startswith("https://Api.execute-api.us-east-1.amazonaws.com/prod/v1/")
    assert has_own_address()


def test_a_domain_leads_to_the_stage_and_is_what_senders_are_told() -> None:
    assert made_for(**DOMAIN) == {"CustomDomain", "DomainMapping"}
    resources = made(**DOMAIN)
    assert resources["CustomDomain"]["Properties"] == {
        "DomainName": "push.example.com",
        "RegionalCertificateArn": DOMAIN["CertificateArn"],
        "EndpointConfiguration": {"Types": ["REGIONAL"]},
        "SecurityPolicy": "TLS_1_2",
    }
    mapping = resources["DomainMapping"]["Properties"]
    assert mapping == {"DomainName": "CustomDomain", "RestApiId": "Api", "Stage": "ApiprodStage"}
    assert resources["ApiprodStage"]["Type"] == "AWS::ApiGateway::Stage"
    expected = "https://push.example.com/v1/destinations/default/profiles"
    assert push_url(**DOMAIN) == expected
    assert has_own_address(**DOMAIN)


def test_a_zone_gets_the_record() -> None:
    record = made(**DOMAIN, **ZONE)["DomainRecord"]["Properties"]
    assert (record["Name"], record["Type"]) == ("push.example.com", "A")
    assert record["AliasTarget"] == {
        "DNSName": "CustomDomain.RegionalDomainName",
        "HostedZoneId": "CustomDomain.RegionalHostedZoneId",
    }


def test_where_senders_must_show_a_certificate_there_is_no_way_round_it() -> None:
    domain = made(**DOMAIN, **TRUST)["CustomDomain"]["Properties"]
    assert domain["MutualTlsAuthentication"] == TRUST
    assert not has_own_address(**DOMAIN, **TRUST)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"DomainName": "push.example.com"}, "together"),
        ({"CertificateArn": DOMAIN["CertificateArn"]}, "together"),
        (ZONE, "need DomainName"),
        (TRUST, "need DomainName"),
        ({"WebAclArn": WEB_ACL, "AnonymousRequestLimit": "100"}, "one web ACL"),
    ],
)
def test_what_belongs_together_or_excludes_the_other_is_refused(
    given: dict[str, str], words: str
) -> None:
    [said] = refused(**given)
    assert words in said


@pytest.mark.parametrize(
    "given",
    [
        {"DomainName": "https://push.example.com", "CertificateArn": DOMAIN["CertificateArn"]},
        {**DOMAIN, "TruststoreUri": "https://bucket.s3.amazonaws.com/senders.pem"},
        {**DOMAIN, "HostedZoneId": "example.com"},
        {"WebAclArn": WEB_ACL.replace("regional", "global")},
        {"AnonymousRequestLimit": "9"},  # WAF counts from ten
        {"OAuthDomain": "Acme"},
        {"OAuthDomain": "acme.example.com"},
        {"OAuthDomain": "acme-cognito"},  # which Cognito refuses
    ],
)
def test_what_is_of_another_form_is_refused(given: dict[str, str]) -> None:
    assert refused() == refused(**EVERY_OPTION) == refused(WebAclArn=WEB_ACL) == []
    assert refused(**given)


def test_a_web_acl_of_one_s_own_stands_before_the_stage() -> None:
    assert made_for(WebAclArn=WEB_ACL) == {"WebAclAssociation"}
    association = made(WebAclArn=WEB_ACL)["WebAclAssociation"]["Properties"]
    assert association == {
        "ResourceArn": "arn:aws:apigateway:us-east-1::/restapis/Api/stages/ApiprodStage",
        "WebACLArn": WEB_ACL,
    }


def test_only_who_shows_no_token_is_counted_and_held_back() -> None:
    assert made_for(AnonymousRequestLimit="100") == {"AnonymousWebAcl", "WebAclAssociation"}
    acl = made(AnonymousRequestLimit="100")["AnonymousWebAcl"]["Properties"]
    assert acl["DefaultAction"] == {"Allow": {}}
    [rule] = acl["Rules"]
    assert rule["Action"] == {"Block": {"CustomResponse": {"ResponseCode": 429}}}
    counted = rule["Statement"]["RateBasedStatement"]
    assert (counted["Limit"], counted["AggregateKeyType"]) == ("100", "IP")
    shown = counted["ScopeDownStatement"]["NotStatement"]["Statement"]["ByteMatchStatement"]
    assert shown["FieldToMatch"] == {"SingleHeader": {"Name": "authorization"}}
    assert (shown["PositionalConstraint"], shown["SearchString"]) == ("STARTS_WITH", "bearer ")


def test_no_web_acl_of_the_stack_keeps_what_callers_sent() -> None:
    """WAF's samples and log have headers, tokens among them."""

    def samples(value: Any) -> list[bool]:
        if isinstance(value, dict):
            own = [value["SampledRequestsEnabled"]] if "SampledRequestsEnabled" in value else []
            return own + [each for member in value.values() for each in samples(member)]
        return (
            [each for member in value for each in samples(member)]
            if isinstance(value, list)
            else []
        )

    resources = made(AnonymousRequestLimit="100")
    assert samples(resources["AnonymousWebAcl"]) == [False, False]
    assert "AWS::WAFv2::LoggingConfiguration" not in {each["Type"] for each in resources.values()}


def test_the_throttle_is_by_default_what_aep_sends_over_a_dataflow() -> None:
    """10,000 a second: AEP drops a profile whose push and two repeats were answered 429."""
    [settings] = made()["ApiprodStage"]["Properties"]["MethodSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (10_000, 5_000)


def test_by_default_no_path_asks_for_an_access_token_and_no_pool_is_made() -> None:
    body = made()["Api"]["Properties"]["Body"]
    assert OAUTH_PATH not in body["paths"]
    assert "components" not in body
    assert "cognito-idp" not in json.dumps(made())
    assert OUTPUTS["SenderPoolId"]["Condition"] == OUTPUTS["OAuthTokenUrl"]["Condition"]


def test_with_oauth_a_path_of_its_own_takes_access_tokens_of_the_pool_alone() -> None:
    resources = made(**OAUTH)
    assert made_for(**OAUTH) == {
        "SenderPool",
        "SenderPoolDomain",
        "SenderScope",
        "OAuthPushPermission",
    }
    body = resources["Api"]["Properties"]["Body"]
    post = body["paths"][OAUTH_PATH]["post"]
    [(name, scopes)] = post["security"][0].items()
    authorizer = body["components"]["securitySchemes"][name]["x-amazon-apigateway-authorizer"]
    assert authorizer == {"type": "cognito_user_pools", "providerARNs": ["arn:SenderPool"]}
    scope = resources["SenderScope"]["Properties"]
    assert scopes == [f"{scope['Identifier']}/{each['ScopeName']}" for each in scope["Scopes"]]
    assert scopes == [app_clients.SCOPE]
    integration = post["x-amazon-apigateway-integration"]
    assert "IngestFunction" in integration["uri"]
    assert (integration["type"], integration["httpMethod"]) == ("aws_proxy", "POST")
    invoked = resources["OAuthPushPermission"]["Properties"]["SourceArn"]
    assert invoked.endswith(":Api/*/POST/v1/oauth2/destinations/*/profiles")
    assert made_for(**OAUTH) & {"Api", "CustomDomain"} == set()


def test_with_oauth_a_bearer_token_is_taken_where_it_was() -> None:
    before, after = (made(**each)["Api"]["Properties"]["Body"] for each in ({}, OAUTH))
    assert {path: after["paths"][path] for path in before["paths"]} == before["paths"]
    assert not [
        path for path in before["paths"] if "security" in after["paths"][path].get("post", {})
    ]


def test_nobody_but_who_manages_senders_may_make_app_clients_and_nobody_users() -> None:
    resources = made(**OAUTH)
    assert resources["SenderPool"]["Properties"]["AdminCreateUserConfig"] == {
        "AllowAdminCreateUserOnly": True
    }
    able = {name for name, each in resources.items() if "cognito-idp:" in json.dumps(each)}
    assert able == {"ManagerPolicy"}
    [statement] = [
        each
        for each in resources["ManagerPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        if "cognito-idp:" in json.dumps(each)
    ]
    assert statement["Resource"] == "arn:SenderPool"


def test_senders_are_told_where_access_tokens_are_given() -> None:
    url = resolved(OUTPUTS["OAuthTokenUrl"]["Value"], OAUTH)
    assert url == "https://example-senders.auth.us-east-1.amazoncognito.com/oauth2/token"
