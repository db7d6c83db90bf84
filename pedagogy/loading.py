"""From a name to a model and its tokenizer: a local folder or a Hugging Face name, with errors that help."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import torch

VOCABULARIES = {"tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"}
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt")
NO_PICKLES = "only pickle weights, which can run code when they are read and so are not loaded"


class PolicyLoadError(OSError, ValueError):
    """A model cannot be loaded; the message says what is missing and what to do."""


def load_folder(folder: Path, remedy: str = "download it again, whole"):
    """(model, tokenizer) from a folder, without any network; PolicyLoadError names all that it lacks."""
    check_folder(folder, remedy)
    try:
        return _from_pretrained(str(folder), local=True)
    except Exception as error:  # transformers raises many kinds
        raise PolicyLoadError(f"cannot load {folder} ({type(error).__name__}: {error}): {remedy}") from error


def load_hub(name: str):
    """(model, tokenizer) of a Hugging Face name, from the local cache or the hub."""
    if not re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", name):
        raise PolicyLoadError(f"{name!r} is no folder here and no Hugging Face name: check the path")
    try:
        return _from_pretrained(name, local=False)
    except Exception as error:
        raise PolicyLoadError(f"cannot load {name!r}: {_reason(error)}") from error


def check_folder(folder: Path, remedy: str) -> None:
    """PolicyLoadError where the folder, its config, tokenizer or weights are missing or cut short."""
    if not folder.is_dir():
        raise PolicyLoadError(f"there is no folder {folder}: {remedy}")
    files = {file.name for file in folder.iterdir()}
    shards = {file for file in files if file.endswith(".safetensors")}
    if INDEX in files:
        shards |= set(json.loads((folder / INDEX).read_text())["weight_map"].values())
    if not shards and any(file.endswith(PICKLES) for file in files):
        raise PolicyLoadError(f"{folder} has {NO_PICKLES}: convert them with save_pretrained")
    lacks = [] if "config.json" in files else ["config.json"]
    lacks += [] if files & VOCABULARIES else ["the tokenizer (tokenizer.json)"]
    lacks += [file for file in sorted(shards) if not _whole(folder / file)]
    lacks += [] if shards else ["the weights (model.safetensors)"]
    if lacks:
        raise PolicyLoadError(f"{folder} is incomplete; missing or cut short: {', '.join(lacks)}: {remedy}")


def _whole(path: Path) -> bool:
    """Whether a safetensors file is there, and as long as its header says."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt"):
            return True
    except (OSError, SafetensorError):
        return False


def _from_pretrained(source: str, local: bool):
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")  # or pickles go to an online converter
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    options = {"local_files_only": local, "trust_remote_code": False}
    bar = local and logging.is_progress_bar_enabled()
    if bar:  # a disk is quick
        logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        model, info = AutoModelForCausalLM.from_pretrained(
            source, dtype=torch.float32, use_safetensors=True, output_loading_info=True, **options
        )
    finally:
        if bar:
            logging.enable_progress_bar()
    if info["missing_keys"]:  # they would be left random
        raise ValueError(f"the weights lack {', '.join(sorted(info['missing_keys'])[:3])}")
    return model, tokenizer


def _reason(error: Exception) -> str:
    text = str(error)
    if "safetensors" in text and "does not appear to have a file" in text:
        return f"it has {NO_PICKLES}; take a repository with safetensors"
    if "not a valid model identifier" in text:
        return "no such folder here, and no such repository on the hub (a private one needs `hf auth login`)"
    return f"{type(error).__name__}: {text}"


def find_device(device: str | torch.device | None) -> torch.device:
    """The device asked for; None takes CUDA, else MPS, else the CPU. ValueError where it is not to be had."""
    if device is None:
        mps = torch.backends.mps.is_available()
        device = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"no device {device!r} here: leave it out, or use 'cpu' ({error})") from error
