/** The lines that load an exported adapter in Python; `python/` holds the loader. */
export function pythonLines(): string {
  return [
    'from mopeft_sam import load_model',
    'model = load_model("base.safetensors", adapter="adapter.safetensors")',
    'masks = model.predict("image.png", points=[(120.5, 80.5)])',
  ].join('\n');
}
