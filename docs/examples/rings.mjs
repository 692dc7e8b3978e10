// A data set in one small file: points of the plane on two rings, and which ring each is on.
// npx layerwise measure docs/examples/rings-a.safetensors docs/examples/rings-b.safetensors --model mlp --data docs/examples/rings.mjs
export default ({ samples = 200 }) => {
  const points = new Float32Array(2 * samples);
  const labels = [];
  for (let i = 0; i < samples; i++) {
    const ring = i % 2;
    const angle = i * 2.399963; // the golden angle spreads them evenly
    points.set([(1 + ring) * Math.cos(angle), (1 + ring) * Math.sin(angle)], 2 * i);
    labels.push(ring);
  }
  return { inputs: { input: { shape: [samples, 2], data: points } }, labels: { shape: [samples], data: labels } };
};
