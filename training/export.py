"""Writes the trained weights as a Hugging Face checkpoint (LlamaForCausalLM, float32)."""
import json
import struct
import sys
from pathlib import Path

import torch

from model import Config
from optimizer import parts
from tokenizer import END, END_OF_TEXT, Tokenizer, write


def tensors(config, weights):
    """Hugging Face's names; fused matrices are split. Norm gains are ones: the model has none."""
    ones = torch.ones(config.dim)
    out = {"model.embed_tokens.weight": weights["embed"], "model.norm.weight": ones}
    for i in range(config.layers):
        at = f"model.layers.{i}."
        for fused, names in (("qkv", ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")), ("o", ("self_attn.o_proj",)),
                             ("gate_up", ("mlp.gate_proj", "mlp.up_proj")), ("down", ("mlp.down_proj",))):
            for name, part in zip(names, parts(f"{i}.{fused}", weights[f"{i}.{fused}"], config)):
                out[f"{at}{name}.weight"] = part
        out[f"{at}input_layernorm.weight"] = out[f"{at}post_attention_layernorm.weight"] = ones
    return out


def write_safetensors(path, named):
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in sorted(named.items()):
        data = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(data)]}
        blobs.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def main(build, out):
    saved, tokenizer, out = torch.load(Path(build) / "model.pt"), Tokenizer.load(build), Path(out)
    config = Config(**saved["config"])
    tokenizer.save(out, config.context)
    write_safetensors(out / "model.safetensors", tensors(config, saved["weights"]))
    bos, eos = tokenizer.ids[END_OF_TEXT], tokenizer.ids[END]
    write(out / "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": config.vocab, "hidden_size": config.dim,
        "intermediate_size": config.ffn, "num_hidden_layers": config.layers, "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads, "head_dim": config.head_dim, "max_position_embeddings": config.context, "rope_theta": config.rope_base,
        "rope_scaling": None, "rms_norm_eps": config.norm_eps, "hidden_act": "silu", "attention_bias": False, "attention_dropout": 0.0,
        "mlp_bias": False, "tie_word_embeddings": True, "bos_token_id": bos, "eos_token_id": eos, "pad_token_id": bos,
        "initializer_range": 0.02, "use_cache": True, "torch_dtype": "float32"})
    write(out / "generation_config.json", {"bos_token_id": bos, "eos_token_id": [eos, bos], "pad_token_id": bos, "temperature": 0.2, "top_p": 0.95, "do_sample": True})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
