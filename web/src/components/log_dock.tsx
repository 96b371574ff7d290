// The panel at the foot of the page with the logs of what was started.
import { useEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import type { Operation } from '../api';
import { closeLogs, closeTab, frontLog, logTabs, stop } from '../actions';
import { operationHref, route } from '../route';
import { hostName, isOpen, operationSignal } from '../store';
import { detailText, operationWord, opLabel, progressShare } from '../words';
import { IconButton, ProgressBar, State } from './bits';
import { Icon, ToneIcon } from './icons';
import { LogView } from './log_view';

const LEAST = 18;
const MOST = 85;
/** Height of the panel, in hundredths of the window. */
const height = signal(42);
const setHeight = (vh: number) => { height.value = Math.min(MOST, Math.max(LEAST, Math.round(vh))); };

function Grip() {
  const drag = (event: PointerEvent) => {
    const grip = event.currentTarget as HTMLElement;
    grip.setPointerCapture(event.pointerId);
    grip.onpointermove = (e) => setHeight(((innerHeight - e.clientY) / innerHeight) * 100);
    grip.onpointerup = () => { grip.onpointermove = null; };
  };
  const onKey = (event: KeyboardEvent) => {
    const by = { ArrowUp: 4, ArrowDown: -4, PageUp: 16, PageDown: -16 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    setHeight(height.peek() + by);
  };
  return (
    <div class="grip" role="separator" tabIndex={0} aria-label="Height of the log panel" aria-orientation="horizontal"
      aria-valuenow={height.value} aria-valuemin={LEAST} aria-valuemax={MOST} onPointerDown={drag} onKeyDown={onKey} />
  );
}

function Tab({ id, front }: { id: string; front: boolean }) {
  const operation = operationSignal(id)?.value;
  const ref = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (front) ref.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [front]);
  if (!operation) return null;
  const close = (event: Event) => {
    event.stopPropagation();
    closeTab(id);
  };
  // The cross is for the mouse: the delete key does the same for the tab in front.
  return (
    <button ref={ref} type="button" role="tab" id={`tab-${id}`} class={`tab ${front ? 'tab-front' : ''}`} aria-selected={front}
      aria-controls="log-panel" aria-keyshortcuts="Delete" tabIndex={front ? 0 : -1}
      onClick={() => { frontLog.value = id; }}>
      <ToneIcon tone={operationWord(operation).tone} />
      {hostName(operation.host_id)} <span class="soft">{opLabel(operation.op)}</span>
      <span class="tab-close" aria-hidden="true" title="Close this log" onClick={close}><Icon name="close" /></span>
    </button>
  );
}

function Summary({ operation }: { operation: Operation }) {
  const name = `${opLabel(operation.op)} on ${hostName(operation.host_id)}`;
  const open = isOpen(operation);
  return (
    <div class="dock-summary">
      <State word={operationWord(operation)} />
      {open && <ProgressBar share={progressShare(operation)} label={name} />}
      <span class="dock-text clip" title={detailText(operation)}>{detailText(operation)}</span>
      <span class="dock-buttons">
        <a class="button button-small" href={operationHref(operation.id)}>Details</a>
        {open && <button type="button" class="button button-small" disabled={operation.state === 'stopping'}
          onClick={() => void stop(operation.id)}><Icon name="stop" /> Stop</button>}
      </span>
    </div>
  );
}

function onTabKey(event: KeyboardEvent): void {
  const tabs = logTabs.peek();
  const at = tabs.indexOf(frontLog.peek() ?? '');
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (event.key === 'Delete' && frontLog.peek()) closeTab(frontLog.peek()!);
  else if (to === undefined) return;
  else frontLog.value = tabs[(to + tabs.length) % tabs.length]!;
  event.preventDefault();
  queueMicrotask(() => document.getElementById(`tab-${frontLog.peek()}`)?.focus());
}

export function LogDock() {
  const front = frontLog.value;
  const operation = front ? operationSignal(front)?.value : undefined;
  const page = route.value;
  const before = useRef(page);
  useEffect(() => {
    // On a phone the panel covers the page that somebody has just asked for.
    if (before.current !== page && matchMedia('(max-width: 48rem)').matches) closeLogs();
    before.current = page;
  }, [page]);
  useEffect(() => {
    document.body.style.setProperty('--dock', operation ? `${height.value}vh` : '0px');
  }, [operation !== undefined, height.value]);
  if (!front || !operation) return null;
  return (
    <section class="dock" aria-label="Logs">
      <Grip />
      <div class="dock-head">
        <div class="tabs" role="tablist" aria-label="Operations" onKeyDown={onTabKey}>
          {logTabs.value.map((id) => <Tab key={id} id={id} front={id === front} />)}
        </div>
        <IconButton icon="grow" label={height.value > 60 ? 'Make the panel smaller' : 'Make the panel larger'}
          onClick={() => setHeight(height.peek() > 60 ? 42 : MOST)} />
        <IconButton icon="close" label="Close the log panel" onClick={closeLogs} />
      </div>
      <div class="dock-body" id="log-panel" role="tabpanel" aria-labelledby={`tab-${front}`}>
        <Summary operation={operation} />
        <LogView key={front} opId={front} />
      </div>
    </section>
  );
}
