# SPDX-License-Identifier: MIT
"""The words of the field, each with its one definition: for tooltips, and for docs/glossary.md, which `page` makes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """Word with its definition, one or two sentences, and where the documentation says more."""

    name: str
    definition: str
    more: str = ""  # link from docs/glossary.md, "file.md#heading"


TERMS = {
    "agreement": Term(
        "Agreement",
        "Share of pictures whose reconstruction the classifier puts into the same class as the original: 1 is best. "
        "Where it is low, what explains the reconstruction does not explain the picture.",
        "results.md",
    ),
    "attfind": Term(
        "AttFind",
        "Search for attributes: it moves every style coordinate in many pictures, and keeps those that change the "
        "classifier's verdict most (Lang et al. 2021).",
        "how-it-works.md",
    ),
    "attribute": Term(
        "Attribute",
        "One or several style coordinates, moved towards an end of what the data shows, that were found to move the "
        "classifier towards a class. Each is a slider; its name is what people see change.",
        "user-guide.md#attributes",
    ),
    "cond": Term(
        "Class given to the generator",
        "A StylEx generator draws each picture from the latent and the classifier's probabilities for the photo (cond "
        "in the code). Give it others to see how much of the picture follows from them alone.",
        "user-guide.md#samples",
    ),
    "counterfactual": Term(
        "Counterfactual",
        "The same picture changed as little as possible, so that the classifier says something else.",
        "results.md#counterfactuals-beside-the-published-figures",
    ),
    "direction": Term(
        "Direction",
        "A way through the space of latents along which something changes. Its slider counts in standard deviations "
        "(sd) of the latents along it: few pictures lie beyond 3.",
        "how-it-works.md#finding-directions",
    ),
    "effect": Term(
        "Effect",
        "Mean change of a class's logit when an attribute is moved from 0 to 1, over many pictures.",
        "user-guide.md#attributes",
    ),
    "encoder": Term(
        "Encoder",
        "Network that finds the latent of a photo in one step; projection then brings the picture nearer to the photo.",
    ),
    "explainer": Term(
        "Explainer",
        "File with a generator, usually an encoder, and the classifiers that it explains.",
        "file-formats.md",
    ),
    "interval": Term(
        "95 % interval",
        "Where the figure for all such pictures most likely lies, seen from the pictures that were measured: the fewer "
        "they are, the wider it is.",
    ),
    "kappa": Term(
        "Kappa",
        "How far a search moves a style coordinate, as a share of the way to the end that the data shows: 1 is that "
        "end.",
        "how-it-works.md",
    ),
    "latent": Term(
        "Latent",
        "The numbers that a generator draws a picture from: a random vector in Z, or the rows in W or W+ made of it.",
    ),
    "logit": Term(
        "Logit",
        "The classifier's score for a class before it becomes a probability. It still grows where the probability is "
        "nearly 1 and cannot, so effects are counted in it.",
    ),
    "lpips": Term(
        "LPIPS",
        "How different two pictures look to a network that was trained to see as people do (Zhang et al. 2018): 0 is "
        "the same, lower is nearer.",
    ),
    "noise": Term(
        "Noise",
        "Random numbers from which a generator draws fine detail, such as grain, at random places.",
    ),
    "projection": Term(
        "Projection",
        "Search for the latent whose picture is nearest to a photo of yours.",
        "user-guide.md#your-own-pictures",
    ),
    "psi": Term(
        "Truncation psi",
        "How far a latent stands from the average one: 1 leaves it as it is, 0 is the average picture, above 1 is more "
        "unusual than the data.",
        "user-guide.md#samples",
    ),
    "psnr": Term("PSNR", "How near the pixels of two pictures are, in decibels: higher is nearer."),
    "reconstruction": Term(
        "Reconstruction",
        "What the generator draws from the latent of a photo: near to it, and not the photo itself.",
        "user-guide.md#the-first-minute",
    ),
    "seed": Term("Seed", "Number that random pictures start from: the same seed gives the same picture everywhere."),
    "style coordinate": Term(
        "Style coordinate",
        "One number of the style space: how strongly one channel of one layer of the generator speaks in this picture.",
        "how-it-works.md",
    ),
    "style space": Term(
        "Style space",
        "All style coordinates together: the numbers that the rows of W+ become in every layer of the generator.",
    ),
    "verdict": Term("Verdict", "The class with the highest probability."),
    "w": Term(
        "W",
        "The space of latents with one row for all layers of the generator: always within what it learned.",
    ),
    "w+": Term(
        "W+",
        "The space of latents with a row of their own for every layer: nearer to a photo, and further from what the "
        "generator learned.",
    ),
    "z": Term("Z", "The space of the random vectors that seeds draw. The generator turns each into a latent in W."),
}

_HEAD = """# Glossary

The words of this program and of the field. In the window they are explained where the mouse rests on them.

"""


def meaning(word: str) -> str:
    """Return the definition of a key of TERMS, after its name, for a tooltip."""
    term = TERMS[word]
    return f"{term.name}: {term.definition}"


def page() -> str:
    """Return the text of docs/glossary.md: `python -m latent_explorer.common.glossary > docs/glossary.md`."""
    lines = []
    for term in sorted(TERMS.values(), key=lambda term: term.name.lower()):
        more = f" [More]({term.more})" if term.more else ""
        lines.append(f"## {term.name}\n\n{term.definition}{more}\n")
    return _HEAD + "\n".join(lines)


if __name__ == "__main__":
    print(page(), end="")
