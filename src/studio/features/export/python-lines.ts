/** Python code that segments with a downloaded adapter; needs the package mopeft. @param model name of its base model. */
export function pythonLines(model: string): string {
  return [
    'import mopeft',
    `model = mopeft.load("adapter.safetensors", ${JSON.stringify(model)})`,
    'mask = model.predict("image.png", points=[(120, 80)], labels=[1]).mask',
  ].join('\n');
}
