import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DType } from "../core/index.ts";
import { type KindTensor, kindOf, mayBeMask } from "./kinds.ts";

const kindIn = (names: readonly string[], tensor: Partial<KindTensor> & { name: string }) =>
  kindOf({ dtype: "float32", shape: [4], ...tensor }, (name) => names.includes(name)).name;

describe("the kind of a tensor", () => {
  it.each<[string, Partial<KindTensor>, readonly string[], string]>([
    ["bn.num_batches_tracked", { dtype: "int64", shape: [] }, [], "counter"],
    ["bn.num_batches_tracked", { shape: [1] }, [], "counter"], // a float after an earlier average
    ["running_mean_std.count", { dtype: "float64", shape: [] }, [], "counter"],
    ["ema.num_updates", { shape: [1] }, [], "counter"],
    ["embed.count", { shape: [8] }, [], "weight"],
    ["discount", { shape: [1] }, [], "weight"],
    ["bn.running_mean", {}, ["bn.running_var"], "statistic"],
    ["norm/running_var", {}, ["norm/running_var"], "statistic"],
    ["bn0_running_mean", {}, ["bn0_running_var"], "statistic"],
    ["bn/moving_mean:0", {}, ["bn/moving_variance:0"], "statistic"],
    ["bn/moving_variance", {}, ["bn/moving_variance"], "statistic"],
    ["bn0_moving_mean", {}, ["bn0_moving_var"], "statistic"],
    ["batch_stats/BatchNorm_0/mean", {}, ["batch_stats/BatchNorm_0/var"], "statistic"],
    ["state.batch_stats.var", {}, ["state.batch_stats.var"], "statistic"],
    ["params/encoder/mean", {}, ["params/encoder/var"], "weight"],
    ["running_mean", {}, [], "weight"],
    ["text.embeddings.position_ids", { dtype: "int64", shape: [1, 77] }, [], "ids"],
    ["text.embeddings.position_ids", { dtype: "int64", other: "float16", shape: [1, 77] }, [], "ids"],
    ["text.embeddings.position_ids", { shape: [1, 77] }, [], "ids"],
    ["attn.relative_position_index", { dtype: "int64" }, [], "ids"],
    ["codebook_indices", { dtype: "int32" }, [], "ids"],
    ["refractive_index", {}, [], "weight"],
    ["l.g_idx", { dtype: "int32" }, ["l.scales"], "whole"],
    ["l.qweight", { dtype: "int32" }, [], "whole"],
    ["l.weight", { dtype: "int8" }, [], "whole"],
    ["l.weight", { dtype: "int64" }, [], "whole"],
    ["l.weight", { dtype: "int8", other: "float32" }, [], "whole"],
    ["l.codes", { dtype: "int64" }, ["l.absmax"], "whole"],
    ["l.packed", { dtype: "uint8" }, [], "whole"],
    ["attn.mask", { dtype: "bool", shape: [6, 6] }, [], "mask"],
    ["attn.bias", { dtype: "uint8", shape: [1, 1, 8, 8] }, [], "mask"],
    ["attn.bias", { shape: [1, 1, 8, 8], isEqual: true }, [], "mask"],
    ["attn.bias", { shape: [1, 1, 8, 8] }, [], "weight"],
    ["attn.bias", { dtype: "uint8", other: "float32", shape: [1, 1, 8, 8] }, [], "whole"],
    ["attn.bias", { dtype: "uint8", other: "float32", shape: [1, 1, 8, 8], isEqual: true }, [], "mask"],
    ["layers.0.rotary_emb.inv_freq", {}, [], "computed"],
    ["attn.relative_coords_table", { shape: [1, 15, 15, 2] }, [], "computed"],
    ["rope.freqs", {}, [], "computed"],
    ["cos_cache", {}, [], "computed"], // ONNX Runtime's rotary embeddings
    ["fourier.freqs", {}, [], "weight"], // may be learnt
    ["betas", {}, ["betas", "alphas_cumprod"], "computed"],
    ["ddpm.sqrt_recipm1_alphas_cumprod", {}, ["ddpm.betas", "ddpm.alphas_cumprod"], "computed"],
    ["posterior_log_variance_clipped", {}, ["betas", "alphas_cumprod"], "computed"],
    ["betas", {}, ["betas"], "weight"],
    ["posterior_mean.weight", {}, ["betas", "alphas_cumprod"], "weight"],
    ["decoder.version", { shape: [1] }, [], "counter"],
    ["embed_positions._float_tensor", { shape: [1] }, [], "counter"],
    ["conv.p", { shape: [4, 4] }, ["conv.p", "conv.sign_s", "conv.log_s"], "drawn"],
    ["conv.sign_s", {}, ["conv.p", "conv.sign_s", "conv.log_s"], "drawn"],
    ["conv.w_p", { shape: [4, 4] }, ["conv.w_p", "conv.s_sign", "conv.w_s"], "drawn"],
    ["pool.p", { shape: [1] }, [], "weight"],
    ["attn.projection_matrix", { shape: [8, 4] }, [], "drawn"],
    ["fc.parametrizations.weight.0.base", { shape: [4, 4] }, ["fc.parametrizations.weight.original"], "drawn"],
    ["attn.bias", { shape: [8], isEqual: true }, [], "weight"],
    ["tgt_mask", { shape: [6, 6], isEqual: true }, [], "mask"],
    ["tgt_mask", { shape: [6, 6] }, [], "weight"],
    ["mask_token", { isEqual: true }, [], "weight"],
    ["attn.IGNORE", { shape: [], isEqual: true, isInfinite: true }, [], "mask"],
    ["anything", { isEqual: true, isInfinite: true }, [], "mask"],
    ["fc.weight_mask", {}, ["fc.weight_orig"], "mask"],
    ["queue_ptr", { dtype: "int64", shape: [5] }, [], "buffer"],
    ["layernorm_mlp._extra_state", { dtype: "uint8" }, [], "buffer"],
    ["coder._offset", { dtype: "int32" }, ["coder._offset", "coder._quantized_cdf", "coder._cdf_length"], "buffer"],
    ["coder._offset", { dtype: "int32" }, ["coder._offset"], "whole"],
    ["fc.weight_u", {}, ["fc.weight_orig"], "vectors"],
    ["fc.weight_v", {}, ["fc.weight_orig"], "vectors"],
    ["0.weight_u", {}, ["0.weight_bar"], "vectors"],
    ["rnn.weight_hh_l0_u", {}, ["rnn.weight_hh_l0_orig"], "vectors"],
    ["fc.parametrizations.weight.0._u", {}, ["fc.parametrizations.weight.original"], "vectors"],
    ["fc.parametrizations.weight.1._v", {}, ["fc.parametrizations.weight.original0"], "vectors"],
    ["fc.u0", {}, ["fc.weight", "fc.u0", "fc.sv0"], "vectors"],
    ["fc.sv0", { shape: [1] }, ["fc.weight", "fc.u0", "fc.sv0"], "vectors"],
    // buffers that training updates, by their company; see trainingBuffers
    ["queue", {}, ["queue_ptr"], "training"],
    ["queue", { dtype: "float16" }, ["queue_ptr"], "training"],
    ["queue2", {}, ["queue2_ptr"], "training"],
    ["queue_ptr", { dtype: "int64", shape: [1] }, ["queue_ptr"], "counter"],
    ["queue_ptr", { shape: [1] }, ["queue_ptr"], "training"], // a float after an earlier average
    ["momentum.image_queue", {}, ["momentum.ptr_queue"], "training"],
    ["criterion.memory_bank.bank", {}, ["criterion.memory_bank.bank_ptr"], "training"],
    ["segment_queue", {}, ["segment_queue_ptr"], "training"],
    ["memory_bank", {}, ["memory_ptr"], "training"],
    ["queue", {}, ["prototypes.weight"], "training"],
    ["contrast.memory_v1", {}, ["contrast.params"], "training"],
    ["contrast.params", {}, ["contrast.memory_v1"], "training"],
    ["_vq_vae._ema_w", {}, ["_vq_vae._ema_cluster_size"], "training"],
    ["_vq_vae._ema_cluster_size", {}, ["_vq_vae._ema_w"], "training"],
    ["_vq_vae._embedding.weight", {}, ["_vq_vae._ema_w", "_vq_vae._ema_cluster_size"], "weight"],
    ["vq._codebook.embed_avg", {}, ["vq._codebook.cluster_size"], "training"],
    ["vq._codebook.cluster_size", {}, ["vq._codebook.embed"], "training"],
    ["vq._codebook.embed", {}, ["vq._codebook.cluster_size", "vq._codebook.embed_avg"], "weight"],
    ["vq._codebook.initted", { shape: [1] }, [], "counter"],
    ["quantizer.layers.0.codebook.inited", { shape: [1] }, [], "counter"],
    ["vq/codebook/embed_sum", {}, ["vq/codebook/cluster_usage"], "training"],
    ["codebook.z_avg", {}, ["codebook.N"], "training"],
    ["codebook.N", {}, ["codebook.z_avg"], "training"],
    ["quantize.cluster_size", {}, ["quantize.embedding.weight"], "training"],
    ["vq/ema_dw/hidden", {}, ["vq/ema_cluster_size/hidden"], "training"],
    ["dino_loss.center", { shape: [1, 9] }, [], "training"],
    ["criterion.center.center", {}, [], "training"],
    ["dino_loss_func.center", {}, [], "training"],
    ["ibot_loss.center2", {}, [], "training"],
    ["teacher_centers", {}, ["last_teacher_centers"], "training"],
    ["value_normalizer.running_mean", {}, ["value_normalizer.debiasing_term"], "training"],
    ["dense.kernel_scale", {}, ["dense.kernel_amax_history"], "training"],
    ["dense.kernel_amax_history", {}, ["dense.kernel_scale"], "training"],
    // the same names in other company
    ["queue", {}, [], "weight"],
    ["queue.proj.weight", {}, ["queue_ptr"], "weight"],
    ["decoder.queue", {}, ["queue_ptr"], "weight"],
    ["proj.weight", {}, ["proj.queue_ptr"], "weight"],
    ["memory", {}, [], "weight"],
    ["memory_bank", {}, [], "weight"],
    ["center", {}, [], "weight"],
    ["rbf.center", {}, [], "weight"],
    ["center_loss.centers", { shape: [9, 2] }, [], "weight"],
    ["glossary.center", {}, [], "weight"],
    ["cluster_size", {}, [], "weight"],
    ["head.N", {}, ["head.embed"], "weight"],
    ["dense.kernel_scale", {}, ["dense.kernel"], "weight"],
    ["obs_rms.mean", {}, ["obs_rms.mean", "obs_rms.var", "obs_rms.count"], "statistic"],
    ["obs_rms.var", {}, ["obs_rms.mean", "obs_rms.var", "obs_rms.count"], "statistic"],
    ["norm._std", {}, ["norm._mean", "norm._var", "norm._std", "norm.count"], "statistic"],
    ["prior.mean", {}, ["prior.mean", "prior.var"], "weight"],
    // weight_norm's direction, a weight with that name, and one whose scale belongs to another module
    ["fc.weight_v", {}, ["fc.weight_g"], "weight"],
    ["fc.u0", {}, ["fc.weight"], "weight"],
    ["fc.parametrizations.weight.original1", {}, ["fc.parametrizations.weight.original0"], "weight"],
  ])("%s, %o beside %o", (name, tensor, names, kind) => {
    expect(kindIn(names, { name, ...tensor })).toBe(kind);
  });

  const leaves = [
    "weight_u",
    "weight_v",
    "weight_orig",
    "weight_g",
    "_u",
    "original",
    "mask",
    "bias",
    "position_ids",
    "u0",
    "sv0",
    "q",
    "",
  ];
  const names = fc.array(fc.constantFrom(...leaves, "parametrizations", "0", "a"), { minLength: 1, maxLength: 5 });
  const dtypes = fc.constantFrom<DType>("float32", "bfloat16", "bool", "int64", "int32", "uint8");

  it("is a weight or refused, unless it matches another kind; integers are never averaged", () => {
    fc.assert(
      fc.property(
        names,
        dtypes,
        fc.option(dtypes, { nil: undefined }),
        fc.boolean(),
        fc.uniqueArray(fc.constantFrom(...leaves)),
        (parts, dtype, other, isEqual, beside) => {
          const name = parts.join(".");
          const tensor = { name, dtype, other, shape: [2, 3], isEqual };
          const siblings = beside.map((leaf) => [...parts.slice(0, -1), leaf].join("."));
          const has = (one: string) => siblings.includes(one);
          const kind = kindOf(tensor, has);
          const isWhole = [dtype, other ?? dtype].some((one) => !/float/.test(one));
          if (isWhole) expect(kind.differing).not.toBe("average");
          else expect(kind.differing).not.toBe("refuse");
          // a tensor that is a mask only because it is equal in both ends would otherwise be averaged or refused
          if (mayBeMask(tensor, has))
            expect(kindOf({ ...tensor, isEqual: false }, has).name).toBe(isWhole ? "whole" : "weight");
          if (!isWhole && siblings.length === 0 && !isEqual && !/position_ids$/.test(name))
            expect(kind.name).toBe("weight");
        },
      ),
    );
  });
});
