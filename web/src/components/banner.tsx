// What everybody must know at once: the connection, a newer hub, what has just ended.
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { closeToast, toasts } from '../actions';
import { connect } from '../live';
import { connection, hubUpdated, retryAt } from '../store';
import { Icon, ToneIcon } from './icons';
import { IconButton } from './bits';

/** The newest thing that a screen reader should say. */
export const announcement = signal('');

function Countdown({ at }: { at: number }) {
  const [left, setLeft] = useState(at - Date.now());
  useEffect(() => {
    const timer = setInterval(() => setLeft(at - Date.now()), 250);
    return () => clearInterval(timer);
  }, [at]);
  const s = Math.ceil(left / 1000);
  return <span aria-hidden="true">{s > 0 ? `Next attempt in ${s} s.` : 'Trying now.'}</span>;
}

function Connection() {
  if (connection.value === 'ended') {
    return (
      <div class="banner banner-bad">
        <Icon name="bad" /> <p>Your session has ended. <a href="/login">Log in again</a></p>
      </div>
    );
  }
  if (connection.value !== 'lost') return null;
  return (
    <div class="banner banner-bad">
      <Icon name="warn" />
      <p>Connection lost, reconnecting. What you see may be out of date.{' '}
        {retryAt.value !== null && <Countdown at={retryAt.value} />}</p>
      <button type="button" class="button button-small" onClick={connect}>Try now</button>
    </div>
  );
}

export function Banners() {
  return (
    <div class="banners">
      <div role="alert"><Connection /></div>
      {hubUpdated.value && (
        <div class="banner" role="status">
          <Icon name="up" /> <p>The hub was updated. <a href="/">Open its new dashboard</a> when it suits you.</p>
        </div>
      )}
      <p class="visually-hidden" role="status" aria-live="polite">{announcement.value}</p>
    </div>
  );
}

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((t) => (
        <div class={`toast toast-${t.tone}`} key={t.id}>
          <ToneIcon tone={t.tone} /> <p>{t.text}</p>
          <IconButton icon="close" label="Dismiss" onClick={() => closeToast(t.id)} />
        </div>
      ))}
    </div>
  );
}
