// Small parts that every view uses.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ago, exact } from '../time';
import { shortRevision, type Word } from '../words';
import { Icon, ToneIcon, type IconName } from './icons';

/** A state: icon and word, tinted. */
export function State({ word, title }: { word: Word; title?: string }) {
  return (
    <span class={`state tone-${word.tone}`} title={title}>
      <ToneIcon tone={word.tone} icon={word.icon} />
      <span class="state-text">{word.text}</span>
    </span>
  );
}

export function Ago({ time }: { time: string | null }) {
  if (!time) return <span class="soft">never</span>;
  return <time dateTime={time} title={exact(time)}>{ago(time)}</time>;
}

export const Revision = ({ id }: { id: string | null }) =>
  id ? <code class="revision" title={id}>{shortRevision(id)}</code> : <span class="soft">none</span>;

export function ProgressBar({ share, label }: { share: number | null; label: string }) {
  const value = share === null ? {} : { 'aria-valuenow': Math.round(share * 100) };
  return (
    <div class={`progress ${share === null ? 'progress-open' : ''}`} role="progressbar"
      aria-label={label} aria-valuemin={0} aria-valuemax={100} {...value}>
      <div class="progress-fill" style={{ '--share': share === null ? '35%' : `${share * 100}%` }} />
    </div>
  );
}

export function Meter({ label, percent }: { label: string; percent: number | null }) {
  if (percent === null) return null;
  const full = Math.max(0, Math.min(100, percent));
  return (
    <span class={`meter ${full >= 90 ? 'meter-high' : ''}`}>
      <span class="meter-label">{label}</span>
      <span class="meter-track" aria-hidden="true">
        <span class="meter-fill" style={{ '--share': `${full}%` }} />
      </span>
      <span class="meter-value">{Math.round(percent)} %</span>
    </span>
  );
}

interface IconButtonProps {
  icon: IconName;
  label: string;
  onClick: (event: MouseEvent) => void;
  pressed?: boolean;
  disabled?: boolean;
}

export function IconButton({ icon, label, onClick, pressed, disabled }: IconButtonProps) {
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={onClick}
      aria-pressed={pressed} disabled={disabled}>
      <Icon name={icon} />
    </button>
  );
}

/** What to say in place of a list, or of a whole page. */
export function Empty({ title, page, children }: { title: string; page?: boolean; children?: ComponentChildren }) {
  const Title = page ? 'h1' : 'p';
  return (
    <div class="empty">
      <Title class="empty-title">{title}</Title>
      {children}
    </div>
  );
}

export function CodeBlock({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard?.writeText(text).then(() => setCopied(true), () => undefined);
  };
  return (
    <div class="code-block">
      <pre tabIndex={0} aria-label={label}><code>{text}</code></pre>
      {'clipboard' in navigator && (
        <button type="button" class="button button-small" onClick={copy} aria-label={`Copy: ${label}`}>
          <Icon name={copied ? 'ok' : 'copy'} /> {copied ? 'Copied' : 'Copy'}
        </button>
      )}
    </div>
  );
}
