import io
import json
import logging

import pytest

from splitdns import logs
from splitdns.errors import Where

pytestmark = pytest.mark.usefixtures("logging_restored")


def logged(
    style: logs.Format,
    event: str,
    level: logs.Level = "info",
    logger: str = "splitdns.test",
    **fields: object,
) -> str:
    stream = io.StringIO()
    logs.configure(level, style, stream=stream)
    logging.getLogger(logger).info(event, extra=fields)
    return stream.getvalue()


def test_an_event_is_a_line_of_names_and_values() -> None:
    line = logged("text", "snapshot.swapped", generation=7, seconds=0.0412345678)

    time, rest = line.split(" ", 1)
    assert rest == "INFO    snapshot.swapped generation=7 seconds=0.0412346\n"
    assert len(time) == len("2026-03-01T12:00:00.123Z")


def test_an_event_is_one_json_object_with_its_fields() -> None:
    event = json.loads(logged("json", "snapshot.swapped", generation=7, where=Where("a.yaml", 3, 1)))

    assert event["level"] == "info"
    assert event["event"] == "snapshot.swapped"
    assert event["generation"] == 7
    assert event["where"] == "a.yaml:3:1"


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize(
    "evil", ["a\nERROR forged", "a b=c", 'quo"te', "\x1b[31m", "line\u2028separator", "\\"]
)
def test_no_value_can_forge_a_line_or_a_field(style: logs.Format, evil: str) -> None:
    line = logged(style, "leak.blocked", qname=evil)

    assert line.count("\n") == 1
    assert line.isascii()
    assert "\x1b" not in line
    if style == "text":
        assert json.loads(line.split("qname=")[1]) == evil
    else:
        assert json.loads(line)["qname"] == evil


@pytest.mark.parametrize("style", ["text", "json"])
def test_secrets_are_not_shown(style: logs.Format) -> None:
    assert "hunter2" not in logged(style, "started", cookie_secret="hunter2", password="hunter2")


def test_a_level_silences_what_is_below_it() -> None:
    assert logged("text", "hello", level="warning") == ""


def test_libraries_speak_from_warnings_upwards() -> None:
    assert logged("text", "hello", level="debug", logger="watchfiles.main") == ""


def test_a_bug_is_logged_with_its_traceback() -> None:
    stream = io.StringIO()
    logs.configure(stream=stream, always={"worker": 1})
    try:
        raise RuntimeError("oops")
    except RuntimeError:
        logging.getLogger("splitdns.test").exception("query.bug")

    first, *traceback = stream.getvalue().splitlines()
    assert first.endswith("ERROR   query.bug worker=1")
    assert traceback[-1] == "    RuntimeError: oops"


def test_a_bug_is_one_json_object_too() -> None:
    stream = io.StringIO()
    logs.configure(style="json", stream=stream)
    try:
        raise RuntimeError("oops")
    except RuntimeError:
        logging.getLogger("splitdns.test").exception("query.bug")

    assert json.loads(stream.getvalue())["traceback"].endswith("RuntimeError: oops")


def test_times_are_utc_to_the_millisecond__rfc3339() -> None:
    assert logs.timestamp(1_772_366_400.5) == "2026-03-01T12:00:00.500Z"
