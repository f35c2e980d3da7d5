#!/usr/bin/env python3
"""Writes torch_fixture.h: what PyTorch makes of the same tiny networks as ours.

    python3 tests/data/torch_fixture.py > tests/data/torch_fixture.h

Made with Debian's python3-torch 1.13.1. Forward pass, masked losses, gradients by autograd, and the
weights after 1 and 50 steps of torch.optim.AdamW with clipping, decay on matrices and a cosine; no
dropout. Tensors stand in the order of HEC_TENSOR_TABLE; tests/core/learn/parity.c reads them.
"""
import math

import torch

F, C, Q, E, ROWS_T, DIMS = 4, 1, 2, 2, 3, 2
H0, H1, K, T, BOTTLENECK, DECODER, B = 6, 4, 2, 3, 2, 3, 8
INPUTS = F + F * E + C * DIMS
RATE, DECAY, CLIP, STEPS, EXPERTS = 1e-2, 1e-2, 0.05, 50, 3
torch.manual_seed(11)
torch.set_default_dtype(torch.float64)


def network(arch):
    """Names, shapes, and which decay: in the order of the file."""
    trunks = EXPERTS if arch == "mmoe" else 1
    shapes = [
        ("PERIODIC_FREQUENCY", (Q, F), False), ("PERIODIC_WEIGHT", (E, 2 * Q), True),
        ("PERIODIC_BIAS", (E,), False), ("TABLE", (C * ROWS_T, DIMS), True),
        ("TRUNK_0_WEIGHT", (trunks * H0, INPUTS), True), ("TRUNK_0_BIAS", (trunks * H0,), False),
        ("TRUNK_1_WEIGHT", (trunks * H1, H0), True), ("TRUNK_1_BIAS", (trunks * H1,), False)]
    if arch == "mmoe":
        shapes += [("GATE_WEIGHT", (K * EXPERTS, INPUTS), True),
                   ("GATE_BIAS", (K * EXPERTS,), False)]
    if arch == "attention":
        shapes += [("MASK_WEIGHT", (K * H1, H1), True), ("MASK_BIAS", (K * H1,), False)]
    shapes += [
        ("HEADS_0_WEIGHT", (K * T, H1), True), ("HEADS_0_BIAS", (K * T,), False),
        ("HEADS_1_WEIGHT", (K, T), True), ("HEADS_1_BIAS", (K,), False),
        ("DECODER_0_WEIGHT", (BOTTLENECK, trunks * H1), True),
        ("DECODER_0_BIAS", (BOTTLENECK,), False),
        ("DECODER_1_WEIGHT", (DECODER, BOTTLENECK), True), ("DECODER_1_BIAS", (DECODER,), False),
        ("DECODER_2_WEIGHT", (F, DECODER), True), ("DECODER_2_BIAS", (F,), False)]
    # float32 numbers, so that both sides begin with the same ones
    return {name: ((0.6 * torch.randn(shape)).float().double().requires_grad_(), decays)
            for name, shape, decays in shapes}


def forward(arch, p, x, index):
    turn = 2 * math.pi * p["PERIODIC_FREQUENCY"] * x[:, None, :]
    waves = torch.cat([torch.sin(turn), torch.cos(turn)], 1)
    embedded = torch.relu(torch.einsum("eq,bqf->bef", p["PERIODIC_WEIGHT"], waves)
                          + p["PERIODIC_BIAS"][None, :, None])
    rows = p["TABLE"][index[:, 0]]
    inputs = torch.cat([x, embedded.reshape(B, E * F), rows], 1)
    trunks = EXPERTS if arch == "mmoe" else 1
    first = torch.relu(inputs @ p["TRUNK_0_WEIGHT"].T + p["TRUNK_0_BIAS"]).reshape(B, trunks, H0)
    weight = p["TRUNK_1_WEIGHT"].reshape(trunks, H1, H0)
    r = torch.relu(torch.einsum("bth,toh->bto", first, weight)
                   + p["TRUNK_1_BIAS"].reshape(trunks, H1))
    if arch == "mmoe":
        gates = (inputs @ p["GATE_WEIGHT"].T + p["GATE_BIAS"]).reshape(B, K, EXPERTS)
        h = torch.einsum("bkt,bto->bko", torch.softmax(gates, 2), r)
    elif arch == "attention":
        masks = torch.sigmoid(r[:, 0] @ p["MASK_WEIGHT"].T + p["MASK_BIAS"]).reshape(B, K, H1)
        h = masks * r
    else:
        h = r.expand(B, K, H1)
    towers = torch.relu(torch.einsum("bko,kto->bkt", h, p["HEADS_0_WEIGHT"].reshape(K, T, H1))
                        + p["HEADS_0_BIAS"].reshape(K, T))
    z = (towers * p["HEADS_1_WEIGHT"]).sum(2) + p["HEADS_1_BIAS"]
    seen = r.reshape(B, trunks * H1).detach()
    d0 = seen @ p["DECODER_0_WEIGHT"].T + p["DECODER_0_BIAS"]
    d1 = torch.relu(d0 @ p["DECODER_1_WEIGHT"].T + p["DECODER_1_BIAS"])
    return z, d1 @ p["DECODER_2_WEIGHT"].T + p["DECODER_2_BIAS"]


def losses(z, y, x, target, weight, counts):
    known = (target >= 0).double() * weight
    each = torch.nn.functional.binary_cross_entropy_with_logits(
        z, target.clamp(min=0).double(), reduction="none")
    heads = (known * each).sum(0) / known.sum(0)
    error = torch.clamp((y - x) ** 2, max=9).mean(1)
    return heads, (counts * error).sum() / counts.sum()


def step(optimiser, groups, at):
    for group in groups:
        torch.nn.utils.clip_grad_norm_(group, CLIP)
    for group in optimiser.param_groups:
        group["lr"] = 0.5 * RATE * (1 + math.cos(math.pi * at / STEPS))
    optimiser.step()


def write(name, numbers):
    texts = [f"{number:.9g}" for number in numbers]
    print(f"static const double {name}[] = {{")
    line = "   "
    for text in texts:
        if len(line) + len(text) + 2 > 96:
            print(line)
            line = "   "
        line += f" {text},"
    print(f"{line}\n}};")


def flat(tensors):
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).tolist()


def main():
    print("/* Written by torch_fixture.py; see there. */")
    print("/* clang-format off */")
    print("#ifndef TESTS_TORCH_FIXTURE_H\n#define TESTS_TORCH_FIXTURE_H\n")
    print("#include <stdint.h>\n")
    for name, value in dict(F=F, C=C, Q=Q, E=E, TABLE_ROWS=ROWS_T, DIMS=DIMS, H0=H0, H1=H1, K=K, T=T,
                            BOTTLENECK=BOTTLENECK, DECODER=DECODER, ROWS=B, STEPS=STEPS,
                            EXPERTS=EXPERTS).items():
        print(f"#define TORCH_{name} {value}")
    print(f"#define TORCH_RATE {RATE}\n#define TORCH_DECAY {DECAY}\n#define TORCH_CLIP {CLIP}")
    x = torch.randn(B, F).float().double()
    index = torch.randint(0, ROWS_T, (B, C))
    target = torch.tensor([[1, -1], [0, 0], [0, 1], [-2, 0], [1, -1], [0, 1], [-1, 0], [0, -2]])
    weight = torch.ones(B, K)
    weight[2, 0] = weight[5, 0] = weight[1, 1] = 0.25
    counts = torch.tensor([0, 1, 1, 1, 0, 1, 1, 1]).double()
    write("torch_x", flat([x]))
    write("torch_weight", flat([weight]))
    for name, values in (("index", index), ("target", target), ("counts", counts.long())):
        print(f"static const int torch_{name}[] = {{ {', '.join(map(str, flat([values])))} }};")
    for arch in ("shared_bottom", "mmoe", "attention"):
        pairs = network(arch)
        p = {name: pair[0] for name, pair in pairs.items()}
        write(f"torch_{arch}_begin", flat(p.values()))
        decoder = [p[name] for name in p if name.startswith("DECODER")]
        others = [p[name] for name in p if not name.startswith("DECODER")]
        optimiser = torch.optim.AdamW(
            [{"params": [t for t, decays in pairs.values() if decays], "weight_decay": DECAY},
             {"params": [t for t, decays in pairs.values() if not decays], "weight_decay": 0}],
            lr=RATE)
        for at in range(STEPS):
            optimiser.zero_grad()
            z, y = forward(arch, p, x, index)
            heads, novelty = losses(z, y, x, target, weight, counts)
            (heads.sum() + novelty).backward()
            if at == 0:
                write(f"torch_{arch}_z", flat([z]))
                write(f"torch_{arch}_y", flat([y]))
                write(f"torch_{arch}_loss", flat([heads, novelty]))
                write(f"torch_{arch}_gradient", flat(t.grad for t in p.values()))
            step(optimiser, (others, decoder), at)
            if at in (0, STEPS - 1):
                write(f"torch_{arch}_after_{at + 1}", flat(p.values()))
    print("\n#endif")


main()
