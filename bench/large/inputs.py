"""Pairs of large networks with random weights, as users have them: one ONNX graph, two state dicts, samples.

usage: inputs.py NETWORK FOLDER; writes graph.onnx, a.pt and b.pt (or a.safetensors and b.safetensors) and data.npz
NETWORK: vit_b_16, resnet50 (torchvision's), vit-tiny, llama-1b, llama-tiny (transformers' Llama: bfloat16 files, float32 graph)

Norms and ViT's head get random values: an initial head is zero, so all losses would be equal, and initial norms are all
equal, so the exporter would store them once and averaging would change nothing.
End b is a tenth of the way (Llama: three tenths) from a to another random network. A Llama's tensors are made one at a
time, so 1 B parameters need little memory.
"""
import json, math, os, sys, warnings
import numpy as np, torch

warnings.filterwarnings("ignore")


def images(name):
    import torchvision
    if name == "vit-tiny":
        return torchvision.models.VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64, num_classes=10)
    return getattr(torchvision.models, name)(weights=None)


def image_pair(name, at):
    def make(seed):
        torch.manual_seed(seed)
        net = images(name).eval()
        for module in net.modules():
            if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.LayerNorm)):
                for key, value in module.state_dict().items():
                    if value.is_floating_point():
                        value.copy_(0.5 + torch.rand(value.shape) if key in ("weight", "running_var") else 0.1 * torch.randn(value.shape))
        if hasattr(net, "heads"):
            torch.nn.init.normal_(net.heads.head.weight, std=0.1)
        return net

    net, other = make(0), make(1).state_dict()
    a = net.state_dict()
    b = {k: torch.lerp(a[k], v, 0.1) if v.is_floating_point() else v for k, v in other.items()}
    torch.save(a, at("a.pt"))
    torch.save(b, at("b.pt"))
    side, classes = (32, 10) if name == "vit-tiny" else (224, 1000)
    axes = {"image": {0: "n"}, "logits": {0: "n"}}
    with torch.enable_grad():  # without gradients, attention uses an operation that cannot be exported
        torch.onnx.export(net, torch.randn(1, 3, side, side), at("graph.onnx"), input_names=["image"], output_names=["logits"], dynamic_axes=axes,
                          do_constant_folding=False, opset_version=17, training=torch.onnx.TrainingMode.EVAL, dynamo=False)
    random = np.random.RandomState(0)
    np.savez(at("data.npz"), image=random.randn(16, 3, side, side).astype("f4"), labels=random.randint(0, classes, 16))


def llama(name):
    from transformers import LlamaConfig, LlamaForCausalLM
    sizes = dict(vocab_size=512, hidden_size=64, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
    if name == "llama-1b":
        sizes = dict(vocab_size=32000, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8)
    config = LlamaConfig(**sizes, rope_theta=500000.0, max_position_embeddings=2048, tie_word_embeddings=True, use_cache=False)
    config._attn_implementation = "eager"
    with torch.device("meta"):
        net = LlamaForCausalLM(config).eval()
    net = net.to_empty(device="cpu")  # nothing writes to this memory, so the system never allocates it
    net.tie_weights()
    for module in net.modules():
        if hasattr(module, "inv_freq"):
            module.inv_freq = 500000.0 ** (-torch.arange(0, module.inv_freq.numel()).float() / module.inv_freq.numel())
            if hasattr(module, "original_inv_freq"):
                module.original_inv_freq = module.inv_freq.clone()
    return net, config


def llama_pair(name, at):
    import onnx_ir, onnxscript.optimizer
    net, config = llama(name)
    shapes = {key: list(value.shape) for key, value in net.state_dict().items() if key != "lm_head.weight"}  # tied to the embedding

    def tensor(end, key):
        def draw(seed):
            generator = torch.Generator().manual_seed(seed * 10007 + list(shapes).index(key))
            noise = torch.randn(shapes[key], generator=generator)
            return 1 + 0.1 * noise if len(shapes[key]) == 1 else noise.mul_(0.02)
        value = draw(1)
        return (value if end == "a" else value.lerp_(draw(2), 0.3)).to(torch.bfloat16)

    def write(path, end):
        offset, header = 0, {"__metadata__": {"format": "pt"}}
        for key, shape in shapes.items():
            header[key] = dict(dtype="BF16", shape=shape, data_offsets=[offset, offset := offset + 2 * math.prod(shape)])
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for key in shapes:
                file.write(tensor(end, key).view(torch.int16).numpy().tobytes())

    for end in "ab":
        write(at(f"{end}.safetensors"), end)

    ids = torch.randint(config.vocab_size, (2, 16))
    free = torch.export.Dim.DYNAMIC
    program = torch.onnx.export(net, (), kwargs=dict(input_ids=ids, use_cache=False), input_names=["input_ids"], output_names=["logits"], verbose=False,
                                dynamic_shapes=dict(input_ids={0: free, 1: free}, use_cache=None), dynamo=True, optimize=False)
    model = program.model
    # the exporter's optimisation, but weights keep their names and are not stored transposed
    onnxscript.optimizer.optimize_ir(model, should_fold=lambda node: False if node.op_type == "Transpose" else None)
    values = model.graph.initializers
    if "lm_head.weight" in values:
        if "model.embed_tokens.weight" in values:
            values["lm_head.weight"].replace_all_uses_with(values["model.embed_tokens.weight"])
            del values["lm_head.weight"]
        else:
            value = values.pop("lm_head.weight")
            value.name = "model.embed_tokens.weight"
            values[value.name] = value
    # buffers outside the state dict become constants, as in the older exporter
    for key in [key for key, value in values.items() if key not in shapes and value.dtype == onnx_ir.DataType.FLOAT]:
        value = values.pop(key)
        node = onnx_ir.node("Constant", [], attributes=dict(value=value.const_value), name=f"constant_{key}")
        model.graph.insert_before(model.graph[0], node)
        value.replace_all_uses_with(node.outputs[0])
    missing = [key for key in shapes if key not in values]
    if missing:
        raise SystemExit(f"the graph does not hold {missing}")
    offset = 0
    with open(at("graph.onnx.data"), "wb") as file:
        for key, shape in shapes.items():
            file.write(tensor("a", key).float().numpy().tobytes())
            size = 4 * math.prod(shape)
            values[key].const_value = onnx_ir.ExternalTensor("graph.onnx.data", offset, size, onnx_ir.DataType.FLOAT, shape=onnx_ir.Shape(shape), name=key,
                                                             base_dir=os.path.dirname(at("")))
            offset += size
    onnx_ir.save(model, at("graph.onnx"))
    random = np.random.RandomState(0)
    windows = random.randint(0, config.vocab_size, (4, 257))
    np.savez(at("data.npz"), input_ids=windows[:, :-1], labels=windows[:, 1:])


if __name__ == "__main__":
    name, folder = sys.argv[1:3]
    os.makedirs(folder, exist_ok=True)
    with torch.no_grad():
        (llama_pair if name.startswith("llama") else image_pair)(name, lambda file: os.path.join(folder, file))
