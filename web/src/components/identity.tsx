// Who a host is: tokens, conflicts, and leaving the fleet.
import { useState } from 'preact/hooks';
import { api, type Host } from '../api';
import { toast } from '../actions';
import { go } from '../route';
import { CodeBlock } from './bits';
import { Dialog } from './dialogs';

interface Step { title: string; text: string; button: string; run: () => Promise<string | null> }

function steps(host: Host): Step[] {
  const list: Step[] = [];
  if (host.liveness === 'conflict' || host.identity === 'revoked') {
    list.push({
      title: `Accept the next machine that calls itself ${host.hostname}?`,
      text: 'It takes over this name and gets a new token. The machine that held it before is cut off.',
      button: 'Accept new machine',
      run: () => api.acceptHost(host.id).then(() => null),
    });
  }
  list.push({
    title: `Make a new token for ${host.hostname}?`,
    text: 'The old token stops working. The new one is shown once.',
    button: 'New token',
    run: () => api.newToken(host.id).then((a) => a.token),
  });
  if (host.identity !== 'revoked') {
    list.push({
      title: `Revoke the token of ${host.hostname}?`,
      text: 'The host is cut off at once, until it is accepted again.',
      button: 'Revoke token',
      run: () => api.revokeToken(host.id).then(() => null),
    });
  }
  if (host.status === 'offline') {
    list.push({
      title: `Remove ${host.hostname} from the fleet?`,
      text: 'Its history is deleted with it. The machine itself is not touched.'
        + (host.identity === 'revoked' ? ` The name stays blocked until somebody runs nixfleet hosts accept ${host.hostname}.` : ''),
      button: 'Remove host',
      run: () => api.removeHost(host.id).then(() => { go('#/'); return null; }),
    });
  }
  return list;
}

function Confirm({ step, onClose }: { step: Step; onClose: () => void }) {
  const [token, setToken] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const run = () => {
    step.run().then((t) => {
      if (t !== null) return setToken(t);
      toast(`${step.button}: done.`, 'ok');
      return onClose();
    }, (p: Error) => setProblem(p.message));
  };
  return (
    <Dialog title={token ? 'The new token' : step.title} onClose={onClose}>
      {token
        ? <><p>Copy it now: the hub keeps only its hash.</p><CodeBlock label="Token" text={token} /></>
        : <p>{step.text}</p>}
      {problem && <p class="problem" role="alert">{problem}</p>}
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={onClose}>{token ? 'Close' : 'Cancel'}</button>
        {!token && <button type="button" class="button button-main" onClick={run}>{step.button}</button>}
      </div>
    </Dialog>
  );
}

export function Identity({ host }: { host: Host }) {
  const [step, setStep] = useState<Step | null>(null);
  return (
    <div class="identity">
      {steps(host).map((s) => (
        <button key={s.button} type="button" class="button" onClick={() => setStep(s)}>{s.button}</button>
      ))}
      {step && <Confirm step={step} onClose={() => setStep(null)} />}
    </div>
  );
}
