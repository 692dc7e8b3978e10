// An order in one small file: from the middle layer outwards. It gets the layers' names in the network's order.
export default (layers) => {
  const middle = (layers.length - 1) / 2;
  return layers.toSorted((x, y) => Math.abs(layers.indexOf(x) - middle) - Math.abs(layers.indexOf(y) - middle));
};
