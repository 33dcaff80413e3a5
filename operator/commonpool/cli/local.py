"""`commonpool local`: a real Kubernetes API with fake accelerator nodes on this machine, without containers and without root."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from commonpool.cli.output import Output, OutputOption, print_data, render_table
from commonpool.cli.progress import ConsoleTeller, telling
from commonpool.config import read_settings
from commonpool.errors import SetupError
from commonpool.local.binaries import PROGRAMS, Binaries
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import read_fleet
from commonpool.local.places import find_source
from commonpool.local.real.addresses import MOST_NODES
from commonpool.local.real.archive import write_archive
from commonpool.local.real.catalogue import CATALOGUE, find_listed_root, make_listed_image, name_image
from commonpool.local.real.images import make_python_image
from commonpool.local.real.obstacle import find_maker_obstacle, find_obstacle
from commonpool.local.real.stock import make_stock

app = typer.Typer(
    name="local",
    help="A local cluster: etcd, kube-apiserver, controllers, our scheduler, the operator and fake nodes as plain processes.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

NOTHING_SPECIAL = Wish()

Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Which local cluster.  [default: `default`, or COMMONPOOL_CLUSTER]")
]


@app.command()
def up(  # noqa: PLR0913 - each is an option of the command
    name: Name = None,
    *,
    fleet: Annotated[
        Path | None,
        typer.Option("--fleet", metavar="FILE", help="Which fake nodes and users.  [default: as before, or local/fleets/demo.yaml]"),
    ] = None,
    operator: Annotated[
        bool | None, typer.Option("--operator/--no-operator", help="Start the operator.  [default: as before, or yes]")
    ] = None,
    pool: Annotated[
        bool | None,
        typer.Option("--pool/--bare", help="Install commonpool, or only Kubernetes and the nodes.  [default: as before, or pool]"),
    ] = None,
    audit: Annotated[
        bool | None, typer.Option("--audit/--no-audit", help="Log every write to the API, a line each.  [default: as before, or yes]")
    ] = None,
    real_nodes: Annotated[
        int | None,
        typer.Option(
            "--real-nodes",
            metavar="N",
            help=f"Real kubelets with accelerators, at most {MOST_NODES}, and one without (Debian, root).  [default: as before, or 0]",
        ),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the cluster of that name first, with all that is in it.")] = False,
) -> None:
    """Start a local cluster, or complete the one that is there.

    The first time it compiles Kubernetes: about 15 minutes on 2 cores. After that it takes seconds. A cluster that runs is kept; processes
    that died are started again; Ctrl-C stops what this call started. Prints the path of the cluster's kubeconfig; `~/.kube/config` is never
    touched.

    For example:

        commonpool local up

        commonpool local up --fleet local/fleets/small.yaml --name test --fresh

        export KUBECONFIG=$(commonpool local up)

    Exit codes: 0 it runs; 1 something failed, the reason is on stderr; 2 wrong usage or a bad fleet file; 130 interrupted.
    """
    wish = Wish(fleet=read_fleet(fleet) if fleet else None, pool=pool, operator=operator, audit=audit, real_nodes=real_nodes)
    cluster = bring_up(wish, name=name, fresh=fresh)
    typer.echo(str(cluster.kubeconfig))


def bring_up(wish: Wish = NOTHING_SPECIAL, *, name: str | None = None, fresh: bool = False) -> LocalCluster:
    """Start or complete a cluster and tell how it goes; the first time it gets the demo's fleet if the wish names none."""
    with telling() as teller:
        cluster = _find_cluster(name, teller)
        known = cluster.places.memory.exists() and not fresh
        if wish.fleet is None and not known:
            wish = replace(wish, fleet=read_fleet(find_source(read_settings()).fleets / "demo.yaml"))
        cluster.up(wish, fresh=fresh)
        real = cluster.list_real_nodes()
        tail = f"; {', '.join(real)} {'are' if len(real) > 1 else 'is'} real, all other nodes are fake" if real else ""
        teller.say(f"the cluster `{cluster.places.name}` is up{tail}")
    return cluster


@app.command()
def down(
    name: Name = None,
    *,
    delete: Annotated[bool, typer.Option("--delete", help="Remove the cluster's data too.")] = False,
) -> None:
    """Stop a local cluster; nothing of it keeps running. Its data is kept for the next `up`.

    For example:

        commonpool local down

        commonpool local down --name test --delete

    Exit codes: 0 nothing of it runs any more (also if nothing did); 1 something failed.
    """
    with telling() as teller:
        cluster = _find_cluster(name, teller)
        stopped = cluster.down(delete=delete)
        teller.say(
            f"the cluster `{cluster.places.name}` "
            + ("is stopped" if stopped else "was not running")
            + (", its data is removed" if delete else "")
        )


@app.command()
def status(
    name: Name = None,
    *,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show the processes of a local cluster.

    For example:

        commonpool local status

        commonpool local status -o json | jq -r .kubeconfig

    Exit codes: 0 all that should run runs; 1 something failed; 3 something that should run does not.
    """
    with telling() as teller:
        cluster = _find_cluster(name, teller)
        processes = cluster.processes()
    report = {
        "name": cluster.places.name,
        "kubeconfig": str(cluster.kubeconfig),
        "auditLog": str(cluster.places.audit_log),
        "processes": [{"name": process.name, "pid": process.pid, "log": str(process.log), "state": process.state} for process in processes],
    }
    if output in {Output.JSON, Output.YAML}:
        print_data(report, output)
    else:
        rows = [(process.name, process.state, str(process.pid or ""), str(process.log)) for process in processes]
        typer.echo(render_table(("NAME", "STATE", "PID", "LOG"), rows))
        typer.echo(f"\nkubeconfig: {cluster.kubeconfig}")
    if any(process.state == "stopped" for process in processes):
        raise typer.Exit(3)


@app.command()
def build() -> None:
    """Build all binaries of a local cluster ahead of time, into the cache folder; where real nodes are possible, all that they take too.

    For example:

        commonpool local build

    Exit codes: 0 they are there; 1 something failed; 130 interrupted.
    """
    with telling() as teller:
        binaries = _find_binaries(teller)
        binaries.build_all(pool=True)
        if obstacle := find_obstacle():
            teller.say(f"nothing for real nodes: {obstacle}")
        else:
            make_stock(binaries)


@app.command()
def images(
    archive: Annotated[Path, typer.Option("--archive", metavar="DIR", help="Where the archives go, a tar an image.")],
    image: Annotated[list[str] | None, typer.Option("--image", metavar="IMAGE", help=f"One more: {', '.join(CATALOGUE)}.")] = None,
) -> None:
    """Write the images that real nodes run as archives, for a cluster that Docker carries: the same bytes, so the same IDs.

    Debian, as root: they are made of its packages. `kind load image-archive` takes them, and so do `docker load` and `ctr images import`.

    For example:

        commonpool local images --archive images

        kind load image-archive --name commonpool images/python-1.tar

        commonpool local images --archive images --image torch

    Exit codes: 0 they are written; 1 something failed; 2 there is no such image.
    """
    more = image or []
    for name in more:
        find_listed_root(name)
    with telling() as teller:
        if obstacle := find_maker_obstacle():
            raise SetupError(obstacle)
        cache_dir = read_settings().cache_dir
        tars = [make_python_image(cache_dir, teller), *(make_listed_image(name, cache_dir, teller) for name in more)]
        written = [write_archive(tar, archive) for tar in tars]
    typer.echo(render_table(("IMAGE", "ID", "FILE"), [(each.name, each.identity, str(each.file)) for each in written]))


@app.command()
def image(image: Annotated[str, typer.Argument(metavar="IMAGE", help=f"One of {', '.join(CATALOGUE)}.")], name: Name = None) -> None:
    """Give the real nodes of a local cluster an image with more than Python, made of Debian's packages, and print how manifests name it.

    For example:

        commonpool local image torch

    Exit codes: 0 all real nodes have it; 1 something failed; 2 there is no such image, or no real node; 130 interrupted.
    """
    find_listed_root(image)
    with telling() as teller:
        cluster = _find_cluster(name, teller)
        cluster.get_real_nodes()
        tar = make_listed_image(image, read_settings().cache_dir, teller)
        teller.say(f"{', '.join(cluster.add_image(tar))}: {name_image(image)}")
    typer.echo(name_image(image))


@app.command()
def which(program: Annotated[str, typer.Argument(metavar="PROGRAM", help=f"One of {', '.join(PROGRAMS)}.")]) -> None:
    """Print the path of a program of the local cluster, building it if need be.

    For example:

        $(commonpool local which helm) lint helm/commonpool

    Exit codes: 0 the path is on stdout; 1 something failed; 2 there is no such program.
    """
    with telling() as teller:
        typer.echo(str(_find_binaries(teller).find(program)))


def _find_binaries(teller: ConsoleTeller) -> Binaries:
    settings = read_settings()
    return Binaries(find_source(settings), settings.cache_dir, teller)


def _find_cluster(name: str | None, teller: ConsoleTeller) -> LocalCluster:
    settings = read_settings()
    return LocalCluster(settings, name or settings.cluster, teller)
