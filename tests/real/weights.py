"""Turn the tiny model's GGUF file into a folder as transformers and vLLM read it. Run by their own Python: weights.py GGUF FOLDER."""

from __future__ import annotations

import pathlib
import shutil
import sys

import gguf  # type: ignore[import-not-found]  # in the servers' environments only
import numpy as np
from safetensors.numpy import save_file  # type: ignore[import-not-found]  # likewise

PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


def rename(name: str) -> str:
    """Return transformers' name of a tensor: blk.2.attn_q.weight is model.layers.2.self_attn.q_proj.weight."""
    if name in WHOLE:
        return WHOLE[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{PARTS[part]}.{kind}"


def main(model: pathlib.Path, folder: pathlib.Path) -> None:
    """Write the folder: settings and tokenizer from the test data, weights from the GGUF file."""
    shutil.copytree(model.parent / "tiny-qwen3", folder, dirs_exist_ok=True)
    tensors = {rename(tensor.name): np.array(tensor.data, dtype=np.float32) for tensor in gguf.GGUFReader(model).tensors}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
