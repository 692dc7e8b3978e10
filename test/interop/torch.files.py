"""The PyTorch half of torch.test.ts.

    torch.files.py make FOLDER       writes files of every kind, and FOLDER/expected.json with the expected tensors
    torch.files.py read FILE...      prints the tensors that torch.load and numpy.load find, as JSON
    torch.files.py samples FOLDER    writes torch.zip.pt and torch.legacy.pt, stored next to this file for tests without
                                     Python

A tensor is described as [dtype, shape, bytes in hexadecimal], row by row, little endian.
"""
import argparse, collections, copy, json, os, pathlib, pickle, sys, zipfile
import numpy as np
import torch


def describe(tensor):
    tensor = tensor.detach().contiguous()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor).contiguous()
    name = str(tensor.dtype).replace("torch.", "")
    bits = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor
    return [name, list(tensor.shape), bits.numpy().tobytes().hex()]


def describe_array(array):
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], -1)
    dense = np.ascontiguousarray(array).reshape(array.shape)
    return [dense.dtype.name, list(dense.shape), dense.astype(dense.dtype.newbyteorder("<")).tobytes().hex()]


def every_dtype():
    values = torch.tensor([[0.0, 1.5, -2.0], [3.25, -0.0, 100.0]])
    floats = {str(d): values.to(d) for d in (torch.float32, torch.float64, torch.float16, torch.bfloat16)}
    ints = {str(d): values.to(d) for d in (torch.int64, torch.int32, torch.int16, torch.int8, torch.bool)}
    return {**floats, **ints, "torch.uint8": values.abs().to(torch.uint8), "special": torch.tensor([float("nan"), float("inf")])}


def strided():
    base = torch.arange(24.0)
    grid = base.view(2, 3, 4)
    return {
        "whole": base,
        "transposed": grid.permute(2, 0, 1),
        "slice": base[5:11],
        "every_third": base[1::3],
        "expanded": base[3:4].expand(4, 5),
        "column": grid[:, 1, ::2],
        "scalar": torch.tensor(7.0),
        "element": base[9],
        "empty": torch.empty(0, 3),
        "empty_view": base[24:],
        "wide_transposed": torch.arange(6).view(2, 3).t(),
        "half_transposed": torch.arange(6).half().view(2, 3).t(),
        "byte_transposed": torch.arange(6).to(torch.uint8).view(2, 3).t(),
        "channels_last": torch.arange(48.0).view(2, 3, 2, 4).to(memory_format=torch.channels_last),
    }


def complexes():
    grid = torch.complex(torch.arange(6.0), -torch.arange(6.0)).view(2, 3)
    return {"w": grid, "t": grid.t(), "double": grid.to(torch.complex128), "scalar": torch.tensor(1 + 2j)}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.norm = torch.nn.BatchNorm2d(4)
        self.head = torch.nn.Linear(4, 4)
        self.tied = self.head

    def forward(self, x):
        return self.head(self.norm(self.conv(x)).mean((2, 3)))


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


def documents():
    """name -> (the saved object, the state dict in it; None where a reader must refuse)."""
    torch.manual_seed(1)
    net = Net()
    state = net.state_dict()
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    optimiser.step()
    args = argparse.Namespace(lr=0.1, layers=[1, 2], device=torch.device("cpu"), dtype=torch.float16)
    extras = {"epoch": 3, "best": np.float64(91.5), "loss": np.float32(0.5), "args": args, "big": 2**70, "bytes": b"\xff\x00", "shape": torch.Size([1])}
    milestones = collections.Counter({30: 1, 60: 1})
    kinds = {"lr_schedulers": [{"milestones": milestones}], "seen": {1, 2}, "frozen": frozenset([3]), "history": collections.defaultdict(list, {"loss": [0.5]})}
    shared = torch.arange(10.0)
    return {
        "dtypes": (every_dtype(), every_dtype()),
        "strided": (strided(), strided()),
        "shared": ({"a": shared, "b": shared, "c": shared[2:5], "d": shared.view(2, 5).t()},) * 2,
        "module_state": (state, state),
        "parameters": ({k: torch.nn.Parameter(v) for k, v in state.items() if v.is_floating_point()}, {k: v for k, v in state.items() if v.is_floating_point()}),
        "wrapped": ({**extras, "state_dict": state, "optimizer": optimiser.state_dict()}, state),
        "wrapped_with_kinds": ({**kinds, "state_dict": collections.defaultdict(int, state)}, state),
        "wrapped_model": ({"model": state, "model_ema": copy.deepcopy(state), "optimizer": optimiser.state_dict()}, state),
        "wrapped_twice": ({"net": {"state_dict": state, "acc": torch.tensor(0.5)}, "step": torch.tensor(3)}, state),
        "wrapped_unnamed": ({"weights_of_epoch_3": state, "ema": copy.deepcopy(state), "epoch": 3}, state),
        "mixed": ({"w": torch.ones(2), "epoch": 3, "name": "x"}, {"w": torch.ones(2)}),
        "parallel": (collections.OrderedDict(("module." + k, v) for k, v in state.items()), state),
        "compiled_parallel": ({"state_dict": {"_orig_mod.module." + k: v for k, v in state.items()}}, state),
        "bad_module": (net, None),
        "bad_list": ([torch.ones(1), torch.ones(2)], None),
        "bad_tensor": (torch.ones(2, 3), None),
        "bad_number": (3.5, None),
        "bad_empty": ({}, None),
        "bad_two": ({"encoder": dict(state), "decoder": dict(state)}, None),
        "with_evil": ({"state_dict": state, "x": Evil(), "net": net}, state),
        "with_numpy": ({"state_dict": state, "rng": np.random.get_state(), "history": np.arange(5.0), "path": pathlib.PurePosixPath("/x")}, state),
        "complex": (complexes(), complexes()),
        "bad_entry": ({"fc.weight": torch.ones(2), "fc.bias": pathlib.PurePosixPath("/x")}, None),
        "bad_sparse": ({"w": torch.eye(3).to_sparse()}, None),
        "bad_quantised": ({"w": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, None),
    }


def make_torch(folder):
    expected = {}
    for name, (document, state) in documents().items():
        described = state and {k: describe(v) for k, v in state.items()}
        for form, is_zip in (("zip", True), ("legacy", False)):
            file = f"{name}.{form}.pt"
            torch.save(document, f"{folder}/{file}", _use_new_zipfile_serialization=is_zip)
            expected[file] = described
        torch.save(document, f"{folder}/{name}.protocol4.pt", pickle_protocol=4)
        expected[f"{name}.protocol4.pt"] = described
    torch.jit.script(torch.nn.Linear(2, 2)).save(f"{folder}/bad_script.pt")
    expected["bad_script.pt"] = None
    with zipfile.ZipFile(f"{folder}/strided.zip.pt") as plain, zipfile.ZipFile(f"{folder}/deflated.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for member in plain.infolist():
            packed.writestr(member.filename, plain.read(member))
    expected["deflated.pt"] = expected["strided.zip.pt"]
    return expected


def arrays():
    grid = np.arange(24.0).reshape(2, 3, 4)
    result = {
        "scalar": np.float32(3.5),
        "empty": np.zeros((0, 3), "f4"),
        "fortran": np.asfortranarray(grid),
        "big": grid.astype(">f8"),
        "big_fortran": np.asfortranarray(grid.astype(">i4")),
        "big_half": grid.astype(">f2"),
        "strided": grid[:, ::2, 1:],
        "flag": np.array([True, False]),
        "path/with.dots": np.arange(3),
        "zeros": np.zeros((100, 1000), "f4"),
    }
    for code in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8".split():
        result[code] = np.arange(6).astype(code).reshape(3, 2)
    for code in ("c8", ">c16"):
        result[code[-3:]] = (np.arange(6) * (1 - 2j)).astype(code).reshape(3, 2)
        result["fortran_" + code[-3:]] = np.asfortranarray(result[code[-3:]])
    return result


def make_pickles(folder):
    described = {name: describe_array(np.asarray(array)) for name, array in arrays().items()}
    texts = {"classes": np.array(["cat", "dog"]), "objects": np.array([{}, None], dtype=object), "epoch": 3}
    expected = {}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for name, document in (("arrays", {**arrays(), **texts}), ("wrapped", {"model": arrays(), "__author__": "x"})):
            with open(f"{folder}/{name}.{protocol}.pkl", "wb") as file:
                pickle.dump(document, file, protocol)
            expected[f"{name}.{protocol}.pkl"] = described
    torch.save({"model": arrays()}, f"{folder}/arrays.pt")
    expected["arrays.pt"] = described
    return expected


def make_npz(folder):
    described = {name: describe_array(np.asarray(array)) for name, array in arrays().items()}
    np.savez(f"{folder}/stored.npz", **arrays())
    np.savez_compressed(f"{folder}/packed.npz", **arrays())
    for version in ((2, 0), (3, 0)):
        with zipfile.ZipFile(f"{folder}/version{version[0]}.npz", "w") as archive, archive.open("w.npy", "w") as member:
            np.lib.format.write_array(member, np.arange(6.0), version)
    zipfile.ZIP64_LIMIT = 100  # makes zipfile write zip64 also for small files
    zipfile.ZIP_FILECOUNT_LIMIT = 1
    np.savez(f"{folder}/zip64.npz", **arrays())
    w = {"w": describe_array(np.arange(6.0))}
    return {"stored.npz": described, "packed.npz": described, "zip64.npz": described, "version2.npz": w, "version3.npz": w}


def make(folder):
    with open(f"{folder}/expected.json", "w") as file:
        json.dump({**make_torch(folder), **make_npz(folder), **make_pickles(folder)}, file)


def read(files):
    def load(path):
        if path.endswith(".npz"):
            with np.load(path) as found:
                return {name: describe_array(found[name]) for name in found.files}
        found, restricted = torch.load(path), torch.load(path, weights_only=True)
        assert type(found) is collections.OrderedDict and list(found) == list(restricted)
        assert all(describe(found[k]) == describe(restricted[k]) for k in found)
        return {name: describe(tensor) for name, tensor in found.items()}

    def check(path):
        if zipfile.is_zipfile(path):
            assert zipfile.ZipFile(path).testzip() is None
        return load(path)

    json.dump({path: list(check(path).items()) for path in files}, sys.stdout)


def samples(folder):
    shared = torch.arange(12.0).view(3, 4)
    state = collections.OrderedDict(a=shared, b=shared.t(), c=torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16)), d=torch.tensor(3))
    document = {"epoch": 3, "best": np.float64(0.5), "state_dict": state}
    torch.save(document, f"{folder}/torch.zip.pt")
    torch.save(document, f"{folder}/torch.legacy.pt", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    {"make": lambda: make(sys.argv[2]), "read": lambda: read(sys.argv[2:]), "samples": lambda: samples(sys.argv[2])}[sys.argv[1]]()
