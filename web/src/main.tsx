import { render } from 'preact';
import { effect } from '@preact/signals';
import { App } from './app';
import { toast } from './actions';
import { announcement } from './components/banner';
import { startLive } from './live';
import { operationFinished, resubscribe, takeOutput } from './logs';
import { startRouting } from './route';
import { fleetTick, hostName, watchFinished } from './store';
import { startClock } from './time';
import { pruneSelection } from './view';
import { operationWord, opLabel } from './words';
import './styles.css';

watchFinished((operation) => {
  operationFinished(operation.id);
  const word = operationWord(operation);
  const text = `${hostName(operation.host_id)}: ${opLabel(operation.op)} ${word.text}.`;
  announcement.value = text;
  if (word.tone === 'bad') toast(`${text} ${operation.message ?? ''}`, 'bad');
});
effect(() => {
  void fleetTick.value;
  pruneSelection();
});
startClock();
startRouting();
startLive({ output: takeOutput, open: resubscribe });

const place = document.getElementById('app')!;
place.replaceChildren();
render(<App />, place);
