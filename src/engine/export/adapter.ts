import { writeAdapter } from '../../peft/adapter-file.ts';
import { modelCard } from './card.ts';
import { type ExportForm, textFile } from './export-form.ts';

/** The adapter in our own format, with a card: everything can have this form. */
export const adapter: ExportForm = {
  id: 'adapter',
  label: 'Adapter with a card',
  help: 'adapter.safetensors and adapter.json for this program and its Python package, ready to be put on a hub.',
  refusal: () => null,
  async *write(source) {
    const { adapter: own, base, checkpoint } = source;
    const config = { ...checkpoint.config, preprocessing: own.preprocessing };
    const { json, safetensors } = writeAdapter({ name: base.name, hash: base.hash, config }, own);
    yield { path: 'adapter.safetensors', bytes: safetensors };
    yield textFile('adapter.json', json);
    const use = [
      'import mopeft',
      '',
      'model = mopeft.load("FOLDER", "BASE")  # the folder or file of the base model',
      'mask = model.predict("image.png", points=[(120, 80)], labels=[1]).mask',
    ];
    yield textFile('README.md', modelCard(source, { library: null, use }));
  },
};
