/** Python code that loads an exported adapter; needs the packages torch and safetensors. */
export function pythonLines(): string {
  return [
    'import json, safetensors.torch',
    'tensors = safetensors.torch.load_file("adapter.safetensors")',
    'record = json.load(open("adapter.json"))',
  ].join('\n');
}
