import type { ReactNode } from 'react';
import type { ModelInfo } from '../../../worker/protocol.ts';
import { FactList } from '../../components/FactList.tsx';
import { FailureText } from '../../components/FailureMessage.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { bytes, compact } from '../../format/format.ts';
import { changeModel, useSession } from '../../stores/session.ts';
import { ChoiceButton } from './ChoiceButton.tsx';
import { PreprocessingFields } from './PreprocessingFields.tsx';

/** What the open model is, how images are prepared for it, and what was assumed or left alone of its files. */
export function OpenModelCard({ model }: { readonly model: ModelInfo }): ReactNode {
  return (
    <article className="stack" aria-label={`Model ${model.name}`}>
      {model.remarks.length > 0 && (
        <section aria-label="To look at">
          <h3>To look at</h3>
          <ul className="stack">
            {model.remarks.map((remark) => (
              <li key={`${remark.where} ${remark.what}`}>
                <FailureText failure={remark} />
                {remark.choices && (
                  <ChoiceButton choices={remark.choices} onChoose={(choices) => void changeModel(choices)} />
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
      <FactList
        rows={[
          ['Name', model.name],
          ['Family', model.family],
          ['Parameters', compact(model.parameterCount)],
          ['Image size', `${model.imageSize} px`],
          ['Encoder', `${model.blockCount} blocks of width ${[...new Set(model.blockWidths)].join(' to ')}`],
          ['Decoder', `${model.decoderHeads} heads`],
          ['Weights', bytes(model.bytes)],
          ['Licence', model.licence || 'not stated'],
          ['SHA-256', model.hash.slice(0, 16)],
        ]}
      />
      <PreprocessingFields key={JSON.stringify(model.preprocessing)} model={model} />
      {model.source === 'embedded' ? (
        <p className="muted small">
          It was trained on images that are prepared as its files say; another choice lasts until it is opened
          again.
        </p>
      ) : (
        <DecoderHeads model={model} />
      )}
      {model.leftAlone.length > 0 && (
        <details>
          <summary>
            {model.leftAlone.length === 1
              ? 'One tensor of its files was left alone'
              : `${model.leftAlone.length} tensors of its files were left alone`}
          </summary>
          <ul className="small">
            {model.leftAlone.slice(0, SHOWN).map((name) => (
              <li key={name}>{name}</li>
            ))}
          </ul>
          {model.leftAlone.length > SHOWN && <p>and {model.leftAlone.length - SHOWN} more</p>}
        </details>
      )}
    </article>
  );
}

/** Numbers of heads that a decoder of SAM's width may have. */
const HEADS = [1, 2, 4, 8, 16];

/** The heads of the decoder, which no weight tells. */
function DecoderHeads({ model: { decoderHeads } }: { readonly model: ModelInfo }): ReactNode {
  const isLoading = useSession((state) => state.modelProgress !== null);
  const options = [...new Set([...HEADS, decoderHeads])].sort((a, b) => a - b).map(String);
  return (
    <SelectField
      label="Heads of the mask decoder"
      value={String(decoderHeads)}
      disabled={isLoading}
      options={options.map((value) => ({ value, label: value }))}
      onChange={(heads) => void changeModel({ decoderHeads: Number(heads) })}
    />
  );
}

/** Names that are listed; a file may hold thousands. */
const SHOWN = 100;
