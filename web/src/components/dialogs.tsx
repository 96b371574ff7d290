import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { asking, dispatch, refusal, request, type Ask } from '../actions';
import { hostName, opTable } from '../store';
import { opLabel, plural } from '../words';
import { Icon } from './icons';

interface DialogProps { title: string; onClose: () => void; children: ComponentChildren }

export function Dialog({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    ref.current?.showModal();
    return () => before?.focus();
  }, []);
  return (
    <dialog ref={ref} aria-labelledby="dialog-title" onCancel={(e) => { e.preventDefault(); onClose(); }}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;

/** What the operation does; nothing when the title has said it ("Restart agent": "restart the agent"). */
export function explanation(op: string, description: string): string {
  if (WARNINGS[op]) return WARNINGS[op];
  const words = (text: string) => text.toLowerCase().match(/[a-z]+/g)?.filter((w) => !/^(the|then|and|this)$/.test(w)).join(' ');
  return description && words(description) !== words(opLabel(op)) ? sentence(description) : '';
}

const WARNINGS: Record<string, string> = {
  'reboot': 'The machine restarts. Whoever works on it is interrupted.',
  'rollback': 'The previous generation is activated in place of the present one.',
  'repo-reset': "The host's clone is thrown away and made again from the remote.",
};

function HostNames({ ids }: { ids: string[] }) {
  const shown = ids.slice(0, 8).map(hostName).join(', ');
  return <p class="dialog-hosts">{shown}{ids.length > 8 && ` and ${ids.length - 8} more`}</p>;
}

function AskDialog({ ask }: { ask: Ask }) {
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const why = explanation(ask.op, opTable.value.find((o) => o.id === ask.op)?.description ?? '');
  const close = () => { asking.value = null; };
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    if (!(await dispatch(ask, code))) setBusy(false);
  };
  const what = `${opLabel(ask.op)} on ${ask.hosts.length === 1 ? hostName(ask.hosts[0]!) : plural(ask.hosts.length, 'host')}`;
  return (
    <Dialog title={`${what}?`} onClose={close}>
      <form onSubmit={(e) => void submit(e)}>
        {ask.hosts.length > 1 && <HostNames ids={ask.hosts} />}
        {why && <p>{why}</p>}
        {ask.force && <p>The hub's checks advised against it. They are skipped this time.</p>}
        {ask.totp && (
          <label class="field">Code from your authenticator
            <input inputMode="numeric" autoComplete="one-time-code" pattern="[0-9 ]{6,7}" required autofocus
              value={code} onInput={(e) => setCode(e.currentTarget.value)} />
          </label>
        )}
        {ask.problem && <p class="problem" role="alert"><Icon name="bad" /> {ask.problem}</p>}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={close}>Cancel</button>
          <button type="submit" class="button button-main" disabled={busy}>{opLabel(ask.op)}</button>
        </div>
      </form>
    </Dialog>
  );
}

function RefusalDialog() {
  const r = refusal.value!;
  const close = () => { refusal.value = null; };
  const again = () => {
    close();
    request(r.op, r.hosts, true);
  };
  return (
    <Dialog title={`${opLabel(r.op)}: not started on ${plural(r.items.length, 'host')}`} onClose={close}>
      <ul class="refusals">
        {r.items.map((i) => <li key={i.host}><strong>{hostName(i.host)}</strong> {i.text}</li>)}
      </ul>
      <div class="dialog-buttons">
        {r.hosts.length > 0 && <button type="button" class="button" onClick={again}>Run anyway…</button>}
        <button type="button" class="button button-main" onClick={close} autofocus>Close</button>
      </div>
    </Dialog>
  );
}

export function Dialogs() {
  if (asking.value) return <AskDialog key={asking.value.op + asking.value.hosts.join()} ask={asking.value} />;
  if (refusal.value) return <RefusalDialog />;
  return null;
}
