"""Images that a node gets when somebody asks for them; beside those that every node has (`images.make_images`)."""

from pathlib import Path

from commonpool.errors import UserError
from commonpool.local.real.debian import Root, make_root
from commonpool.local.real.images import Recipe, make_image
from commonpool.local.teller import Teller

_SHELL = ("dash", "coreutils", "netbase")
CATALOGUE = {
    "mpi": Root("mpi", ("python3-mpi4py", *_SHELL)),
    "torch": Root(
        "torch",
        ("python3-torch", *_SHELL),
        # Video, pictures, databases and tests: three quarters of 265 MB, for Caffe2 and for who develops PyTorch.
        spared=(
            *("libopencv-", "libavcodec", "libavformat", "libavutil", "libswresample", "libswscale", "libleveldb", "liblmdb", "libzmq"),
            *("libtorch-test", "python3-astunparse", "python3-future", "python3-hypothesis", "python3-psutil", "python3-requests"),
            "python3-sympy",
        ),
        modules=(
            *("torch.distributed.run", "torch.nn.parallel", "torch.distributed.elastic.rendezvous.c10d_rendezvous_backend"),
            "torch.utils.data",
        ),
    ),
}


def name_image(name: str) -> str:
    """How manifests name it."""
    return f"commonpool.local/{name}:1"


def find_listed_root(name: str) -> Root:
    """What an image of the catalogue is made of; UserError if there is no such image."""
    if name not in CATALOGUE:
        raise UserError(f"there is no image `{name}`", hint=f"there are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def make_listed_image(name: str, cache_dir: Path, teller: Teller) -> Path:
    """Return the tar of an image of the catalogue, made if need be: for `torch` a download of 82 MB, which become 350."""
    root = make_root(find_listed_root(name), cache_dir, teller)
    return make_image(Recipe(name_image(name), root, root.name), cache_dir / "images", teller)
