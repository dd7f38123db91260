"""Cases of damaged products: one file of a camera, a petal or a fibermap."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from . import bytewise, judge, oracle, structural
from .bench import EXPID, FITS, KINDS, Tree
from .case import Damage, Draft, Mutation, place

MUTATIONS: dict[str, Mutation] = {
    "untouched": bytewise.untouched,
    "flip-data": bytewise.flip_data,
    "flip-padding": bytewise.flip_padding,
    "flip-header": bytewise.flip_header,
    "flip-file": bytewise.flip_file,
    "truncate": bytewise.truncate,
    "insert": bytewise.insert,
    "delete": bytewise.delete,
    "zeros": bytewise.zeros,
    "zeros-summed": bytewise.zeros_summed,
    "garbage-after": bytewise.garbage_after,
    "gzip-trailer": bytewise.gzip_trailer,
    "gzip-members": bytewise.gzip_members,
    "special": bytewise.special,
    "values": structural.values,
    "keyword-changed": structural.keyword_changed,
    "keyword-removed": structural.keyword_removed,
    "keyword-twice": structural.keyword_twice,
    "structure": structural.structure,
    "hdus": structural.hdus,
    "swapped": structural.swapped,
    "both": structural.both,
    "bomb": structural.bomb,
}
PACKED_ONLY = ("gzip-trailer", "gzip-members")


def draft_of(name: str, tree: Tree) -> Draft:
    """The generator and the sound file of a case."""
    family, _, seed = name.partition(":")
    rng = np.random.default_rng([zlib.crc32(family.encode()), int(seed)])
    kinds = [kind for kind in KINDS if family not in PACKED_ONLY or any(one.packed for one in tree.bench.variants(kind))]
    kind = str(rng.choice(kinds))
    variants = [one for one in tree.bench.variants(kind) if one.packed or family not in PACKED_ONLY]
    return Draft(rng, kind, variants[int(rng.integers(len(variants)))], tree.bench, tree)


def damaged(name: str, tree: Tree) -> tuple[Draft, str, Path]:
    """Damage a file; what it was, words on what was done, and where it is."""
    draft = draft_of(name, tree)
    damage: Damage = MUTATIONS[name.partition(":")[0]](draft)
    path = tree.root / (FITS[draft.kind] + (".gz" if draft.variant.packed else ""))
    tree.clear(draft.kind)
    place(damage, path)
    return draft, f"{draft.kind} ({draft.variant.name}): {damage.words}", path


def judged(kind: str, tree: Tree, scratch: Path) -> judge.Saying:
    """What is said of it: by its reader, which is quick, and where that has nothing to say by the checks."""
    said = judge.apart(lambda: judge.read_alone(kind, tree.root))
    if said.verdict != "passed":
        return said
    return judge.apart(lambda: checked(kind, tree, scratch))


def checked(kind: str, tree: Tree, scratch: Path, *more: str) -> judge.Saying:
    """Run the checks that rest on a kind of file, with more options."""
    units = judge.UNITS.get(kind, f"{EXPID:08d}")
    names = rf"\b({judge.NAMES.get(kind, kind)})"
    return judge.run(tree.root, scratch, units=units, select=(*judge.CAMERA_ONLY, *more), names=names)


def opinion(draft: Draft, path: Path) -> oracle.Opinion:
    """Whether the damage matters."""
    return oracle.opinion(draft.kind, sound=draft.bench.path(draft.kind, draft.variant), damaged=path)
