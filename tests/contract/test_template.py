"""What the template promises, and that it permits what the functions do."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from attendee_sync import observability
from attendee_sync.delivery.retry import RetryPolicy
from attendee_sync.version import VERSION
from tests.support import fakes
from tests.support.functions import EVENTS, FUNCTIONS, VARIABLES, Handle
from tests.support.stack import DELIVERY_LOG, INGEST_LOG, STACK, Aws
from tests.support.template import (
    GLOBALS,
    PSEUDO,
    ROOT,
    TEMPLATE,
    Loader,
    holds,
    listed,
    made,
    managed_policy,
    policy_statements,
    resolved,
    resources,
    role_of,
)

pytestmark = pytest.mark.usefixtures("no_sockets", "output")

LANE = ROOT / "cli" / "attendee_sync_cli" / "stack" / "lane.yaml"
LANES = f":{STACK}_lane_"
INTEGRATION = "x-amazon-apigateway-integration"
LISTS = {"sqs:ListQueues"}
DEFAULT_SCHEDULES = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/default"
FOURTEEN_DAYS = 14 * 24 * 60 * 60
# Read by Powertools and botocore, not by the functions themselves.
READ_BY_LIBRARIES = {
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_SERVICE_NAME",
    "AWS_ENDPOINT_URL",
    "PYDANTIC_DISABLE_PLUGINS",
}
READ_BY_NOBODY = {"RELEASE"}  # makes a function differ: see test_deployment_preference.py
# Done by Lambda itself, for each function.
LOGS_AND_TRACES = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
}
# IAM's name of what a call does, where it is not the call's own.
ACTIONS = {
    "SendMessageBatch": "SendMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "Invoke": "InvokeFunction",
    "BatchExecuteStatement": "PartiQLInsert",  # or PartiQLUpdate
}


def statements(function: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the actions and resources that a function's role allows."""
    for statement in policy_statements(role_of(function)):
        assert statement["Effect"] == "Allow"
        yield listed(statement["Action"]), listed(statement["Resource"])


def variables(function: str) -> dict[str, Any]:
    own = TEMPLATE["Resources"][function]["Properties"]["Environment"]["Variables"]
    return {**GLOBALS["Environment"]["Variables"], **own}


def everything(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each mapping in a value, with where it is."""
    if isinstance(value, dict):
        yield path, value
        for name, member in value.items():
            yield from everything(member, f"{path}/{name}")
    elif isinstance(value, list):
        for n, member in enumerate(value):
            yield from everything(member, f"{path}/{n}")


# --- functions ----------------------------------------------------------------------------------


def test_the_functions_are_all_known() -> None:
    assert set(resources("AWS::Serverless::Function")) == set(FUNCTIONS)


def test_functions_run_on_python_3_13_and_on_arm64_unless_x86_64_is_chosen() -> None:
    assert GLOBALS["Runtime"] == "python3.13"
    assert GLOBALS["Architectures"] == [{"Ref": "Architecture"}]
    architecture = TEMPLATE["Parameters"]["Architecture"]
    assert architecture["Default"] == "arm64"
    assert architecture["AllowedValues"] == ["arm64", "x86_64"]
    for properties in resources("AWS::Serverless::Function").values():
        assert not {"Runtime", "Architectures"} & properties.keys()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_says_how_much_it_may_use(function: str) -> None:
    properties = TEMPLATE["Resources"][function]["Properties"]
    assert 128 <= properties["MemorySize"] <= 10_240
    assert 1 <= properties["Timeout"] <= 900


@pytest.mark.parametrize(("function", "folder"), FUNCTIONS.items())
def test_each_function_has_code_and_handler_in_its_folder(function: str, folder: str) -> None:
    properties = TEMPLATE["Resources"][function]["Properties"]
    assert properties["CodeUri"] == f"functions/{folder}"
    assert properties["Handler"] == f"functions.{folder}.app.lambda_handler"
    assert (ROOT / properties["CodeUri"] / "app.py").is_file()


def test_every_event_belongs_to_a_function() -> None:
    folders = tuple(folder.replace("_", "-") for folder in FUNCTIONS.values())
    assert all(path.stem.startswith(folders) for path in EVENTS.iterdir())


def test_the_layer_is_built_for_the_functions_and_goes_with_the_stack() -> None:
    [layer] = resources("AWS::Serverless::LayerVersion").values()
    assert layer["CompatibleRuntimes"] == [GLOBALS["Runtime"]]
    architectures = TEMPLATE["Parameters"]["Architecture"]["AllowedValues"]
    assert layer["CompatibleArchitectures"] == architectures
    assert layer["RetentionPolicy"] == "Delete"
    assert GLOBALS["Layers"] == [{"Ref": "SharedLayer"}]


# --- logs ---------------------------------------------------------------------------------------


def test_every_log_group_is_kept_as_long_as_the_parameter_says() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert len(groups) == len(FUNCTIONS) + 2  # and the API's and the settings'
    for properties in groups.values():
        assert properties["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_each_function_writes_json_to_a_log_group_of_its_own() -> None:
    assert GLOBALS["LoggingConfig"]["LogFormat"] == "JSON"
    groups = [
        properties["LoggingConfig"]["LogGroup"]["Ref"]
        for properties in resources("AWS::Serverless::Function").values()
    ]
    assert len(set(groups)) == len(FUNCTIONS)
    assert set(groups) <= set(resources("AWS::Logs::LogGroup"))


# --- the API ------------------------------------------------------------------------------------


@pytest.fixture
def api() -> dict[str, Any]:
    [properties] = resources("AWS::Serverless::Api").values()
    return properties


def test_the_api_is_regional_and_throttled(api: dict[str, Any]) -> None:
    assert api["EndpointConfiguration"] == {"Type": "REGIONAL"}
    [settings] = api["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "RequestBurst"}
    assert not settings.get("DataTraceEnabled")


def test_the_access_log_is_json_without_anything_that_was_sent(api: dict[str, Any]) -> None:
    setting = api["AccessLogSetting"]["Fn::If"][1]
    assert resolved(setting["DestinationArn"]) == "arn:ApiLogGroup"
    line = json.loads(setting["Format"])
    assert line["apiRequestId"] == "$context.requestId"
    # The invocation's, which senders are told and the functions log.
    assert line["requestId"] == "$context.integration.requestId"
    for variable in line.values():
        assert re.fullmatch(r"\$context\.[A-Za-z.]+", variable)
        assert not re.search(
            r"querystring|header|body|context\.path|authorizer", variable, re.IGNORECASE
        )


def test_health_costs_no_function_call(api: dict[str, Any]) -> None:
    methods = api["DefinitionBody"]["paths"]["/v1/health"]
    assert set(methods) == {"get"}
    integration = methods["get"]["x-amazon-apigateway-integration"]
    assert integration["type"] == "mock"
    assert json.loads(integration["requestTemplates"]["application/json"]) == {"statusCode": 200}
    answer = integration["responses"]["default"]
    assert answer["statusCode"] == "200"
    assert json.loads(answer["responseTemplates"]["application/json"]) == {"status": "ok"}
    assert api["MergeDefinitions"] is True  # else SAM leaves out the functions' routes


def test_functions_answer_two_routes() -> None:
    paths = made()["Api"]["Properties"]["Body"]["paths"]
    routes = {
        (*re.findall(r"/functions/arn:(\w+)/", operation[INTEGRATION].get("uri", "")), method, path)
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    assert routes == {
        ("get", "/v1/health"),
        ("IngestFunction", "post", "/v1/destinations/{destination}/profiles"),
        ("PreviewFunction", "post", "/v1/destinations/{destination}/preview"),
    }


def test_preview_is_permitted_to_read_and_nothing_else() -> None:
    allowed = {action for actions, _ in statements("PreviewFunction") for action in actions}
    assert allowed - LOGS_AND_TRACES == {"ssm:GetParameter", "secretsmanager:GetSecretValue"}


def test_who_answers_a_request_does_so_before_the_api_gives_up() -> None:
    for function in ("IngestFunction", "PreviewFunction"):
        assert TEMPLATE["Resources"][function]["Properties"]["Timeout"] < 29


def test_callers_can_be_limited_to_addresses(api: dict[str, Any]) -> None:
    [statement] = resolved(api["Auth"]["ResourcePolicy"]["CustomStatements"])
    assert statement["Action"] == "execute-api:Invoke"
    assert statement["Condition"] == {
        "IpAddress": {"aws:SourceIp": ["0.0.0.0/0", "::/0"]},
    }


# --- queues -------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", resources("AWS::SQS::Queue"))
def test_each_queue_is_fifo_and_encrypted_and_keeps_for_fourteen_days(queue: str) -> None:
    properties = resolved(TEMPLATE["Resources"][queue]["Properties"])
    assert properties["FifoQueue"] is True
    assert properties["SqsManagedSseEnabled"] is True
    assert properties["MessageRetentionPeriod"] == FOURTEEN_DAYS
    assert properties["DeduplicationScope"] == "messageGroup"
    assert properties["FifoThroughputLimit"] == "perMessageGroupId"
    assert "ContentBasedDeduplication" not in properties


@pytest.mark.parametrize(
    "queue", [name for name in resources("AWS::SQS::Queue") if name != "DeadLetterQueue"]
)
def test_each_queue_has_a_dead_letter_queue(queue: str) -> None:
    policy = TEMPLATE["Resources"][queue]["Properties"]["RedrivePolicy"]
    assert policy["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert 1 <= policy["maxReceiveCount"] <= 1_000


def test_a_destination_s_own_lane_is_like_the_shared_one() -> None:
    lane = yaml.load(LANE.read_text(), Loader)  # noqa: S506
    own = {name: each["Properties"] for name, each in lane["Resources"].items()}
    queue = dict(TEMPLATE["Resources"]["ProfileQueue"]["Properties"])
    queue["QueueName"] = {"Ref": "QueueName"}
    queue["RedrivePolicy"] = {
        **queue["RedrivePolicy"],
        "deadLetterTargetArn": {"Ref": "DeadLetterQueueArn"},
    }
    assert own["ProfileQueue"] == queue
    policy = TEMPLATE["Resources"]["ProfileQueuePolicy"]
    assert lane["Resources"]["ProfileQueuePolicy"] == policy
    assert own["Delivery"] == {
        **TEMPLATE["Resources"]["DeliveryFunctionProfiles"]["Properties"],
        "FunctionName": {"Ref": "DeliveryFunctionArn"},
        "Enabled": {"Ref": "Delivers"},
    }


def test_the_stack_tells_what_a_lane_needs() -> None:
    lane = yaml.load(LANE.read_text(), Loader)  # noqa: S506
    needed = set(lane["Parameters"]) - {"QueueName", "Delivers", "AlertTopics"}
    assert needed <= {*TEMPLATE["Outputs"], *TEMPLATE["Parameters"]}
    assert needed & set(TEMPLATE["Outputs"]) == {"DeliveryFunctionArn", "DeadLetterQueueArn"}


def test_a_message_stays_hidden_while_it_is_delivered() -> None:
    [mapping] = resources("AWS::Lambda::EventSourceMapping").values()
    name = resolved(mapping["FunctionName"])
    timeout = TEMPLATE["Resources"][name]["Properties"]["Timeout"]
    [queue, _] = mapping["EventSourceArn"]["Fn::GetAtt"]
    visibility = TEMPLATE["Resources"][queue]["Properties"]["VisibilityTimeout"]
    assert name == "DeliveryFunction"
    assert visibility > timeout
    assert visibility >= 6 * timeout
    # What died in its last second comes again later than what was put back.
    assert visibility - timeout >= RetryPolicy.died_seconds


def test_delivery_reports_single_failures_and_is_limited() -> None:
    properties = TEMPLATE["Resources"]["DeliveryFunctionProfiles"]["Properties"]
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["BatchSize"] == 10
    assert properties["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "MaximumConcurrency"}}
    parameter = TEMPLATE["Parameters"]["MaximumConcurrency"]
    assert 2 <= parameter["MinValue"] <= parameter["Default"] <= parameter["MaxValue"] <= 1_000


# --- the tables, the schedule, the secrets -------------------------------------------------------


def test_the_ledger_is_on_demand_can_be_restored_and_forgets() -> None:
    table = resources("AWS::DynamoDB::Table")["LedgerTable"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["KeySchema"] == [{"AttributeName": "key", "KeyType": "HASH"}]


def test_tokens_are_encrypted_forgotten_and_in_no_backup() -> None:
    table = resources("AWS::DynamoDB::Table")["TokenTable"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert resolved(table["SSESpecification"]) == {"SSEEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert "PointInTimeRecoverySpecification" not in table
    assert table["KeySchema"] == [{"AttributeName": "key", "KeyType": "HASH"}]


def test_who_may_touch_which_items_of_the_token_table() -> None:
    found = [
        (statement["Action"], statement["Condition"])
        for _, statement in everything(TEMPLATE["Resources"])
        if statement.get("Resource") == {"Fn::GetAtt": ["TokenTable", "Arn"]}
    ]

    def only(prefix: str) -> dict[str, object]:
        return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{prefix}#*"]}}

    assert found == [
        ("dynamodb:GetItem", only("token")),  # delivery
        (["dynamodb:GetItem", "dynamodb:PutItem"], only("token")),
        (["dynamodb:PutItem", "dynamodb:DeleteItem"], only("lock")),
        ("dynamodb:GetItem", only("token")),  # managers
    ]


def test_the_schedule_is_named_from_the_stack() -> None:
    events = TEMPLATE["Resources"]["TokenRefreshFunction"]["Properties"]["Events"]
    schedule = events["Schedule"]["Properties"]
    assert events["Schedule"]["Type"] == "ScheduleV2"
    assert resolved(schedule["Name"]) == f"{STACK}-token-refresh"
    assert resolved(schedule["ScheduleExpression"]) == "rate(2 minutes)"


def test_accounting_runs_each_hour_unless_it_is_switched_off() -> None:
    events = TEMPLATE["Resources"]["AccountingFunction"]["Properties"]["Events"]
    schedule = events["Schedule"]["Properties"]
    assert resolved(schedule["Name"]) == f"{STACK}-accounting"
    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert schedule["State"] == {"Fn::If": ["Accounts", "ENABLED", "DISABLED"]}
    assert TEMPLATE["Parameters"]["Accounting"]["Default"] == "on"
    assert TEMPLATE["Resources"]["MissingAlarm"]["Condition"] == "Accounts"


def test_a_scheduled_run_may_stay_until_the_next_has_come() -> None:
    minutes = TEMPLATE["Parameters"]["TokenRefreshMinutes"]["MaxValue"]
    timeout = TEMPLATE["Resources"]["TokenRefreshFunction"]["Properties"]["Timeout"]
    assert 60 * minutes + 90 + 60 <= timeout <= 900


def test_no_secret_is_a_parameter_or_stands_in_the_template() -> None:
    assert not [name for name in TEMPLATE["Parameters"] if re.search("Secret|Password", name)]
    for properties in resources("AWS::SecretsManager::Secret").values():
        given = json.loads(properties.get("SecretString", "{}"))
        assert not any(given.values())
        assert ("SecretString" in properties) != ("GenerateSecretString" in properties)


def test_a_deploy_writes_no_setting_that_people_edit() -> None:
    """Nor does the upgrade of a stack whose template had the very parameters that people edit."""
    made = {
        name: each
        for name, each in TEMPLATE["Resources"].items()
        if each["Type"] == "AWS::SSM::Parameter"
    }
    assert {name: resolved(each["Properties"]["Name"]) for name, each in made.items()} == {
        "DefaultConnection": f"/{STACK}/template/connections/default",
        "DefaultDestination": f"/{STACK}/template/destinations/default",
    }
    # Of the same logical ids, so that an upgrade replaces what was there, and keeps it.
    assert all(each["UpdateReplacePolicy"] == "Retain" for each in made.values())


def test_metrics_are_where_the_command_line_looks_for_them() -> None:
    variables = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == observability.NAMESPACE


@pytest.mark.parametrize("level", TEMPLATE["Parameters"]["LogLevel"]["AllowedValues"])
def test_no_level_hides_outcomes_or_metrics(level: str) -> None:
    """Lambda drops what is below the level, and takes what has none, as a metric, for INFO."""
    logging = GLOBALS["LoggingConfig"]["ApplicationLogLevel"]
    assert logging == {"Fn::If": ["LogsDebug", "DEBUG", "INFO"]}
    assert TEMPLATE["Conditions"]["LogsDebug"] == {"Fn::Equals": [{"Ref": "LogLevel"}, "DEBUG"]}
    assert GLOBALS["LoggingConfig"]["SystemLogLevel"] == "INFO"
    assert level in {"DEBUG", "INFO", "WARN", "ERROR"}  # the words of Lambda
    assert GLOBALS["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == {"Ref": "LogLevel"}


def test_settings_are_json_whatever_the_parameters() -> None:
    for properties in resources("AWS::SSM::Parameter").values():
        assert isinstance(json.loads(resolved(properties["Value"])), dict)


def test_the_version_that_was_deployed_is_an_output() -> None:
    assert TEMPLATE["Outputs"]["Version"]["Value"] == VERSION


def test_what_a_person_needs_next_is_an_output() -> None:
    assert {
        "PushUrl",
        "IngestTokenSecret",
        "CredentialsSecret",
        "ProfileQueueName",
        "DeadLetterQueueName",
        "LedgerTableName",
        "TokenTableName",
    } <= TEMPLATE["Outputs"].keys()
    url = resolved(TEMPLATE["Outputs"]["PushUrl"]["Value"])
    assert url.endswith(".amazonaws.com/prod/v1/destinations/default/profiles")


# --- permissions --------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_permission_is_for_everything(function: str) -> None:
    for actions, patterns in statements(function):
        assert not any("*" in action for action in actions)
        if set(actions) in ({"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, LISTS):
            continue  # these have no resources to name
        for pattern in patterns:
            # A resource of this stack, or names that begin with the stack's, and with what is in
            # no stack's name: lanes' of another stack do not fit.
            before, star, after = pattern.partition("*")
            own = any(each in before for each in (f"/{STACK}/", f":{STACK}/"))
            assert not star or own or before.endswith(LANES)
            assert after == (".fifo" if before.endswith(LANES) else "")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_to_its_own_log_group_only(function: str) -> None:
    group = TEMPLATE["Resources"][function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    [patterns] = [
        patterns for actions, patterns in statements(function) if "logs:PutLogEvents" in actions
    ]
    assert patterns == [f"arn:{group}"]


def test_only_accounting_reads_logs_and_those_of_ingest_and_delivery() -> None:
    reads = [
        (function, patterns)
        for function in FUNCTIONS
        for actions, patterns in statements(function)
        if any("logs:" in action for action in {*actions} - LOGS_AND_TRACES)
    ]
    assert reads == [("AccountingFunction", ["arn:IngestLogGroup", "arn:DeliveryLogGroup"])]


def test_no_two_functions_share_a_role() -> None:
    assert len({role_of(function) for function in FUNCTIONS}) == len(FUNCTIONS)


@pytest.mark.parametrize(
    "role",
    [name for name in resources("AWS::IAM::Role") if name not in ("ApiLogRole", "DeploymentsRole")],
)
def test_a_role_is_taken_for_this_account_only(role: str) -> None:
    [statement] = resolved(resources("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"])[
        "Statement"
    ]
    wanted = statement["Condition"]["StringEquals"]
    assert wanted["aws:SourceAccount"] == PSEUDO["AWS::AccountId"]
    if statement["Principal"]["Service"] == "scheduler.amazonaws.com":
        groups = {
            "ResumeScheduleRole": "arn:ResumeScheduleGroup",
            "TokenRefreshScheduleRole": DEFAULT_SCHEDULES,
            "AccountingScheduleRole": DEFAULT_SCHEDULES,
        }
        assert wanted["aws:SourceArn"] == groups[role]


@pytest.mark.parametrize("name", ["TokenRefresh", "Accounting"])
def test_a_schedule_may_invoke_its_function_and_nothing_else(name: str) -> None:
    events = TEMPLATE["Resources"][f"{name}Function"]["Properties"]["Events"]
    assert events["Schedule"]["Properties"]["RoleArn"] == {
        "Fn::GetAtt": [f"{name}ScheduleRole", "Arn"]
    }
    assert list(policy_statements(f"{name}ScheduleRole")) == [
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": f"arn:{name}Function",
        }
    ]


def test_a_schedule_that_ends_a_pause_may_switch_this_stack_s_lanes_and_nothing_else() -> None:
    assert list(policy_statements("ResumeScheduleRole")) == [
        {
            "Effect": "Allow",
            "Action": "lambda:UpdateEventSourceMapping",
            "Resource": "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:*",
            "Condition": {"ArnEquals": {"lambda:FunctionArn": "arn:DeliveryFunction"}},
        }
    ]


@pytest.mark.parametrize("queue", resources("AWS::SQS::Queue"))
def test_queues_are_reached_by_tls_only_on_aws(queue: str) -> None:
    [policy] = [
        policy
        for policy in resources("AWS::SQS::QueuePolicy").values()
        if policy["Queues"] == [{"Ref": queue}]
    ]
    [statement] = resolved(policy["PolicyDocument"]["Statement"])
    assert statement == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": f"arn:{queue}",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert TEMPLATE["Resources"][f"{queue}Policy"]["Condition"] == "RunsOnAws"
    assert holds(TEMPLATE["Conditions"]["RunsOnAws"])


def test_functions_read_the_senders_and_managers_alone_write_them() -> None:
    def on_senders(found: Iterator[tuple[list[str], list[str]]]) -> set[str]:
        name = f"secret:{STACK}/senders-*"
        return {
            action
            for actions, patterns in found
            for action in actions
            if any(pattern.endswith(name) for pattern in patterns)
        }

    reads = {"secretsmanager:GetSecretValue"}
    assert {function: on_senders(statements(function)) for function in FUNCTIONS} == {
        function: reads if function in ("IngestFunction", "PreviewFunction") else set()
        for function in FUNCTIONS
    }
    managers = (
        (listed(each["Action"]), listed(each["Resource"]))
        for each in managed_policy("ManagerPolicy")
    )
    writes = {"secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"}
    assert on_senders(managers) == reads | writes


def leading_keys(function: str, table: str, action: str) -> set[str]:
    """Return the patterns of the keys on which a function may do something in a table."""
    [condition] = [
        statement["Condition"]
        for statement in policy_statements(role_of(function))
        if listed(statement["Resource"]) == [f"arn:{table}"]
        and action in listed(statement["Action"])
    ]
    [(operator, keys)] = condition.items()
    assert operator == "ForAllValues:StringLike"
    return set(keys["dynamodb:LeadingKeys"])


def test_delivery_touches_its_own_keys_of_the_ledger_only_and_writes_nothing_of_people_s() -> None:
    own = {"attendee#*", "attempt#*", "stored#*", "trouble#*", "circuit#*"}
    for action in ("dynamodb:BatchGetItem", "dynamodb:GetItem"):
        keys = leading_keys("DeliveryFunction", "LedgerTable", action)
        assert keys == {*own, "pause#*", "erased#*"}
    for action in ("dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"):
        assert leading_keys("DeliveryFunction", "LedgerTable", action) == own
    for action in ("dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"):
        assert leading_keys("DeliveryFunction", "LedgerTable", action) == {"attendee#*"}


def test_no_call_without_a_key_is_permitted_since_the_condition_would_hold() -> None:
    for function in FUNCTIONS:
        for actions, _ in statements(function):
            assert not {"dynamodb:Scan", "dynamodb:PartiQLSelect"} & set(actions)


def test_wildcards_stand_only_where_they_are_known_to_be_needed() -> None:
    """What else stands in the template; roles are looked at above.

    - Principal "*": API Gateway's resource policies name callers by address, not by identity; a
      queue's denial is for everyone.
    - Resource "execute-api:/*": API Gateway writes the API's own ARN before it.
    - Resource "*" under RunsLocally: a local cloud, never AWS.
    """
    found = {
        (path.split("/")[1], key, value)
        for path, members in everything(TEMPLATE["Resources"])
        for key in ("Principal", "Resource", "Action", "NotResource", "NotAction")
        for value in map(str, listed(members.get(key)))
        if value in ("*", "execute-api:/*", "sqs:*")
    }
    assert found == {
        ("Api", "Principal", "*"),
        ("Api", "Resource", "execute-api:/*"),
        *((f"{queue}Policy", "Principal", "*") for queue in resources("AWS::SQS::Queue")),
        *((f"{queue}Policy", "Action", "sqs:*") for queue in resources("AWS::SQS::Queue")),
        *((role_of(function), "Resource", "*") for function in FUNCTIONS),  # X-Ray
        ("ViewerPolicy", "Resource", "*"),  # lambda:ListEventSourceMappings
        ("ManagerPolicy", "Resource", "*"),  # what is made, and CloudWatch
        ("AlertTopicPolicy", "Principal", "*"),  # who is denied
        ("AlertKey", "Resource", "*"),  # of a key's policy: the key
    }
    conditional = [
        members["Fn::If"][0]
        for _, members in everything(TEMPLATE["Resources"])
        if "*" in members.get("Fn::If", [])
    ]
    assert set(conditional) <= {"RunsLocally"}
    assert not holds(TEMPLATE["Conditions"]["RunsLocally"])


def arn(service: str, request: Mapping[str, Any]) -> str:
    """Return the resource that a call is about, ARNs as `resolved` gives them."""
    places = f"us-east-1:{PSEUDO['AWS::AccountId']}"
    known = {
        fakes.PROFILES_URL: "arn:ProfileQueue",
        fakes.DEAD_LETTERS_URL: "arn:DeadLetterQueue",
        fakes.TABLE: "arn:LedgerTable",
        fakes.TOKEN_TABLE: "arn:TokenTable",
        VARIABLES["TOKEN_REFRESH_FUNCTION"]: "arn:TokenRefreshFunction",
        INGEST_LOG: "arn:IngestLogGroup",
        DELIVERY_LOG: "arn:DeliveryLogGroup",
    }
    match service:
        case "ssm":
            return f"arn:aws:ssm:{places}:parameter{request.get('Name') or request['Path']}"
        case "secretsmanager":  # it adds six characters of its own to a name
            return f"arn:aws:secretsmanager:{places}:secret:{request['SecretId']}-a1B2c3"
        case "sqs":  # it lists all queues, or none
            return known[request["QueueUrl"]] if "QueueUrl" in request else "*"
        case "dynamodb":
            if "Statements" in request:
                [table] = {each["Statement"].split('"')[1] for each in request["Statements"]}
                return known[table]
            return known[request.get("TableName") or next(iter(request["RequestItems"]))]
        case "lambda" | "logs":
            return known[request.get("FunctionName") or request["logGroupName"]]
    raise NotImplementedError(service)


@pytest.fixture(params=[True, False], ids=["edited", "as deployed"])
def _edited_or_not(aws: Aws, request: pytest.FixtureRequest) -> None:
    if request.param:
        return
    for kind in ("destinations", "connections"):
        text = aws.ssm.parameters.pop(f"/{STACK}/{kind}/default")
        aws.ssm.parameters[f"/{STACK}/template/{kind}/default"] = text


@pytest.mark.parametrize("event", sorted(path.stem for path in EVENTS.iterdir()))
@pytest.mark.parametrize("status", [200, 401, 403, 503])
@pytest.mark.usefixtures("_edited_or_not")
def test_what_a_function_does_is_permitted(
    aws: Aws, rainfocus: fakes.Http, handle: Handle, event: str, status: int
) -> None:
    [function] = [
        logical_id
        for logical_id, folder in FUNCTIONS.items()
        if event.startswith(folder.replace("_", "-"))
    ]
    if status != 200:
        rainfocus.reply = fakes.Reply(status)
    handle(event)
    for fake in (aws.sqs, aws.ssm, aws.secrets, aws.dynamodb, aws.functions, aws.logs):
        for operation, request in fake.calls:
            action = f"{fake.service}:{ACTIONS.get(operation, operation)}"
            resource = arn(fake.service, request)
            assert any(
                action in actions and any(fnmatchcase(resource, each) for each in patterns)
                for actions, patterns in statements(function)
            ), f"{function} may not {action} {resource}"


# --- environment variables ----------------------------------------------------------------------


def read_by(folder: str) -> set[str]:
    """Return the names in a function's `os.environ[...]`."""
    tree = ast.parse((ROOT / "functions" / folder / "app.py").read_text())
    return {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and ast.unparse(node.value) == "os.environ"
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    }


@pytest.mark.parametrize(("function", "folder"), FUNCTIONS.items())
def test_the_variables_that_are_read_are_those_that_are_set(function: str, folder: str) -> None:
    assert read_by(folder)
    assert read_by(folder) == set(variables(function)) - READ_BY_LIBRARIES - READ_BY_NOBODY
    assert variables(function)["POWERTOOLS_SERVICE_NAME"] == folder


def test_the_layer_reads_few_variables_its_log_s_level_and_its_stack_among_them() -> None:
    texts = [path.read_text() for path in (ROOT / "layers").rglob("*.py")]
    read = [line for text in texts for line in re.findall(r".*(?:os\.environ|getenv).*", text)]
    names = sorted(name for line in read for name in re.findall(r'"([A-Z_]+)"', line))
    assert names == ["AWS_ENDPOINT_URL", "POWERTOOLS_LOG_LEVEL", "STACK_NAME"]
    assert len(read) == len(names)


def test_the_tests_set_the_variables_that_are_read() -> None:
    assert set(VARIABLES) == {name for folder in FUNCTIONS.values() for name in read_by(folder)}


def test_what_is_published_is_what_the_repository_takes() -> None:
    """By AWS's page of these properties, which knows no functions there."""
    told = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
    assert re.fullmatch(r"[a-zA-Z0-9\-]{1,140}", told["Name"])
    assert re.fullmatch(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", told["Author"])
    assert 1 <= len(told["Description"]) <= 256
    assert len(told["Labels"]) <= 10
    assert all(re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", each) for each in told["Labels"])
    assert (ROOT / "LICENSE").read_text().startswith(f"{told['SpdxLicenseId']} License")
    # A file named there is named in what is built by its way from there: no two builds were alike.
    assert not told.keys() & {"LicenseUrl", "ReadmeUrl"}
    assert told["SemanticVersion"] == VERSION == TEMPLATE["Outputs"]["Version"]["Value"]
