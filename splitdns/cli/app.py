"""The commands, their options and their help; what they do stands in a module each, imported when it runs."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from splitdns.cli import complete
from splitdns.cli.usage import Commands


class Format(StrEnum):
    """How a result is printed."""

    TEXT = "text"
    JSON = "json"


class ReportFormat(StrEnum):
    """How the check's findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"


class RulesDialect(StrEnum):
    """In what mending rules are written."""

    NFTABLES = "nftables"
    IPTABLES = "iptables"
    PFSENSE = "pfsense"
    OPNSENSE = "opnsense"
    ROUTEROS = "routeros"
    NSX = "nsx"
    OPENWRT = "openwrt"
    VYOS = "vyos"
    EDGEOS = "edgeos"
    UNIFI = "unifi"
    TABLE = "table"
    PF_OPENBSD = "pf-openbsd"
    PF_FREEBSD = "pf-freebsd"


class ImportSource(StrEnum):
    """Whose data can be imported."""

    ROUTEROS = "routeros"
    HOSTS = "hosts"
    DNSMASQ = "dnsmasq"
    UNBOUND = "unbound"
    BIND_VIEWS = "bind-views"
    PIHOLE = "pihole"
    ADGUARD = "adguard"
    COREFILE = "corefile"


class FailOn(StrEnum):
    """The mildest severity that makes the check fail."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"


class Schema(StrEnum):
    """What has a JSON Schema."""

    CONFIG = "config"
    ZONE = "zone"
    REPORT = "report"


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="SPLITDNS_CONFIG",
        metavar="FILE",
        help="The configuration; left out: splitdns.yaml here, or in /etc/splitdns, or the embedded default.",
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="For a person, or for a script.")]
NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A domain name; for an address, its reverse name.", autocompletion=complete.zones
    ),
]
TypeArgument = Annotated[
    str | None, typer.Argument(metavar="TYPE", help="A record type.", show_default="A, or PTR for an address")
]
FromOption = Annotated[str, typer.Option("--from", metavar="ADDRESS", help="The client that asks.")]
ForwardOption = Annotated[
    bool, typer.Option("--forward", help="Really ask the upstreams where the answer is theirs to give.")
]


def _markup_mode() -> str | None:
    """Boxes and colour in --help for a person at a terminal only."""
    return "rich" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else None


app = typer.Typer(
    name="splitdns",
    cls=Commands,
    help="One name, the right address for every client: a split-horizon DNS server.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a bug shows Python's own traceback
    rich_markup_mode=_markup_mode(),  # type: ignore[arg-type]
    context_settings={"help_option_names": ["-h", "--help"]},
)
zone_app = typer.Typer(help="Check zone files, show what a view sees of a zone.", no_args_is_help=True)
app.add_typer(zone_app, name="zone")


def _version(wanted: bool) -> None:
    if wanted:
        import platform

        from splitdns import __version__, accelerator

        typer.echo(f"splitdns {__version__}")
        typer.echo(f"Python {platform.python_version()} ({platform.python_implementation()})")
        typer.echo(f"accelerator: {accelerator.state()}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="The version, and on what it runs."),
    ] = False,
) -> None:
    """Options before the command."""


@app.command()
def serve(
    config: ConfigOption = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Do not start with a broken zone; otherwise its names get SERVFAIL."),
    ] = False,
) -> None:
    """Answer queries until told to stop.

    SIGTERM and SIGINT stop the server, SIGHUP makes it read all files again; so does a change of a file.
    SIGUSR1 makes it forget what upstreams said.
    """
    from splitdns.cli.serve import run

    run(config, strict=strict)


@app.command()
def query(
    name: NameArgument,
    qtype: TypeArgument = None,
    *,
    host: FromOption,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
    forward: ForwardOption = False,
) -> None:
    """The answer as one client would get it.

    No server needs to run; an upstream is asked with --forward only.

    Exit status: 0 an answer, 1 a negative one (NXDOMAIN, no data, REFUSED, SERVFAIL), 2 wrong input.
    """
    from splitdns.cli.query import run

    run(name, qtype, host, config, as_json=output is Format.JSON, forward=forward)


@app.command()
def explain(
    name: NameArgument,
    qtype: TypeArgument = None,
    *,
    host: FromOption,
    config: ConfigOption = None,
    output: FormatOption = Format.TEXT,
    forward: ForwardOption = False,
    port: Annotated[
        str | None,
        typer.Option("--port", metavar="PORT/PROTO", help="Also the packets' way to it, such as 443/tcp."),
    ] = None,
) -> None:
    """Why one client gets the answer that it gets.

    Its view and why, each hop, the line of each record, what the leak guard kept back and what the other
    views would answer; with --port, what becomes of the connection, stage by stage.
    """
    from splitdns.cli.explain import run

    run(name, qtype, host, config, as_json=output is Format.JSON, forward=forward, port=port)


@app.command()
def flush(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A domain name.", show_default="all names")
    ] = None,
    suffix: Annotated[bool, typer.Option("--suffix", help="Everything under the name, too.")] = False,
    view: Annotated[
        str | None,
        typer.Option("--view", metavar="VIEW", help="In one view only.", autocompletion=complete.views),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Have the running server forget what upstreams said.

    The configuration says where it listens for that. SIGUSR1 makes it forget everything, too.

    Exit status: 0 done, 2 wrong input, or no server that could be reached.
    """
    from splitdns.cli.flush import run

    run(name, suffix, view, config)


@app.command()
def health(config: ConfigOption = None) -> None:
    """Whether the server that runs here is ready and answers.

    For a container's health check: it asks /ready of the admin endpoint, and a question at the first address.

    Exit status: 0 it is well, 1 it is not.
    """
    from splitdns.cli.health import run

    run(config)


@app.command()
def check(
    config: ConfigOption = None,
    output: Annotated[
        ReportFormat, typer.Option("--format", help="For a person, a script, a code host or a build server.")
    ] = ReportFormat.TEXT,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="The mildest severity that makes it fail.")
    ] = FailOn.WARNING,
    probe: Annotated[
        bool, typer.Option("--probe", help="Also connect to each declared address, from here.")
    ] = False,
) -> None:
    """Whether the gateway's rules keep what the zones promise.

    Every client network, every exposed service, every address that a view answers, and what else is let in.

    Exit status: 0 all well, 1 findings, 2 wrong input, 3 no findings, but something is not known.
    """
    from splitdns.cli.check import run

    run(config, output.value, fail_on.value, probe=probe)


@app.command()
def rules(
    config: ConfigOption = None,
    dialect: Annotated[
        RulesDialect | None,
        typer.Option("--dialect", help="In what to write them; left out: as the gateway itself does."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Print what takes them back instead.")] = False,
    redirect_dns: Annotated[
        bool, typer.Option("--redirect-dns", help="Also lead the DNS of every network inside to this server.")
    ] = False,
) -> None:
    """Print the rules that would cure the check's findings.

    Nothing is changed: they are commands for a shell, tried on the model first. Exit status: 0 all cured, 1
    something is not, 2 wrong input.
    """
    from splitdns.cli.rules import run

    run(config, dialect and dialect.value, undo=undo, redirect_dns=redirect_dns)


@zone_app.command("check")
def zone_check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="Zone files, YAML or RFC 1035 master files, or directories of them.",
            show_default="the configuration itself, and all that it names",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Print every error and warning of the configuration and its zones, or of zone files.

    Files are read as the views of the configuration would see them. Exit status: 2 with an error, else 0.
    """
    from splitdns.cli.zone import check

    check(files or (), config)


@zone_app.command("show")
def zone_show(
    zone: Annotated[
        str, typer.Argument(metavar="ZONE", help="The zone's apex.", autocompletion=complete.zones)
    ],
    view: Annotated[
        str, typer.Option("--view", metavar="VIEW", help="A view's name.", autocompletion=complete.views)
    ],
    config: ConfigOption = None,
) -> None:
    """Print one view of a zone as a master file."""
    from splitdns.cli.zone import show

    show(zone, view, config)


@zone_app.command("import")
def zone_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What the other system exports.")],
    source: Annotated[ImportSource, typer.Option("--from", help="Which system that is.")],
    apexes: Annotated[
        list[str] | None,
        typer.Option("--zone", metavar="ZONE", help="A zone that is wanted; otherwise, one for each domain."),
    ] = None,
    horizon: Annotated[
        str, typer.Option("--horizon", metavar="HORIZON", help="For whose views the records are.")
    ] = "inside",
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIRECTORY", help="Write the files there; none is replaced."),
    ] = None,
) -> None:
    """Make zone files of another system's DNS data; of a DNS server, the whole configuration.

    Names that are not in the zones are forwarded where that system did. What could not be carried over is
    printed as warnings. Exit status: 2 wrong input, else 0.
    """
    from splitdns.cli.imports import run

    run(file, source.value, apexes or (), horizon, to)


@app.command()
def schema(
    of: Annotated[
        Schema, typer.Argument(metavar="config|zone|report", help="Of which file.")
    ] = Schema.CONFIG,
) -> None:
    """Print a JSON Schema for editors."""
    from splitdns.cli.schema import run

    run(of.value)
