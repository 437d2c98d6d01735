import { type ReactNode, useState } from 'react';
import type { ModelChoices } from '../../../worker/protocol.ts';
import { Dialog } from '../../components/Dialog.tsx';
import { FailureMessage } from '../../components/FailureMessage.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import {
  forgetModelQuestion,
  hideModel,
  type ModelQuestion,
  openModelFiles,
  useSession,
} from '../../stores/session.ts';
import { ChoiceButton } from './ChoiceButton.tsx';
import { OpenModelCard } from './OpenModelCard.tsx';

/** What comes up by itself about a model: a question about files, and the card of one with something to look at. */
export function ModelDialogs(): ReactNode {
  const question = useSession((state) => state.modelQuestion);
  const shown = useSession((state) => state.modelShown);
  const model = useSession((state) => state.model);
  if (question) {
    return (
      <Dialog title="How should this model be loaded?" onClose={forgetModelQuestion}>
        <FailureMessage failure={question.failure} />
        <Answers question={question} />
      </Dialog>
    );
  }
  if (!shown || !model) return null;
  return (
    <Dialog title="The model" onClose={hideModel}>
      <OpenModelCard model={model} />
    </Dialog>
  );
}

function Answers({ question }: { readonly question: ModelQuestion }): ReactNode {
  const { failure, files, choices } = question;
  const answer = (choice: ModelChoices): void => void openModelFiles(files, { ...choices, ...choice });
  switch (failure.code) {
    case 'checkpoint/several-models':
      return (
        <div className="row">
          {(failure.options ?? []).map((prefix) => (
            <ChoiceButton key={prefix} choices={{ prefix }} onChoose={answer} />
          ))}
        </div>
      );
    case 'checkpoint/tuned':
      return (
        <div className="row">
          {failure.asks === 'loraAlpha' && <AlphaAnswer onAnswer={(loraAlpha) => answer({ loraAlpha })} />}
          <ChoiceButton choices={failure.choices ?? {}} onChoose={answer} />
        </div>
      );
    default:
      return (
        <HeadsAnswer options={failure.options ?? []} onAnswer={(decoderHeads) => answer({ decoderHeads })} />
      );
  }
}

function HeadsAnswer(props: {
  readonly options: readonly string[];
  readonly onAnswer: (heads: number) => void;
}): ReactNode {
  const [heads, setHeads] = useState(props.options[0] ?? '1');
  return (
    <div className="row">
      <SelectField
        label="Heads of the mask decoder"
        value={heads}
        options={props.options.map((value) => ({ value, label: value }))}
        onChange={setHeads}
      />
      <button type="button" className="primary" onClick={() => props.onAnswer(Number(heads))}>
        Load
      </button>
    </div>
  );
}

function AlphaAnswer({ onAnswer }: { readonly onAnswer: (alpha: number) => void }): ReactNode {
  const [text, setText] = useState('');
  const alpha = Number(text);
  const isNumber = text.trim() !== '' && Number.isFinite(alpha);
  return (
    <>
      <label>
        lora_alpha{' '}
        <input type="number" step="any" value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <button type="button" className="primary" disabled={!isNumber} onClick={() => onAnswer(alpha)}>
        Merge and load
      </button>
    </>
  );
}
