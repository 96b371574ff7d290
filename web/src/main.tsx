import { render } from 'preact';
import { effect } from '@preact/signals';
import { App } from './app';
import { toast } from './actions';
import { api } from './api';
import { announcement } from './components/banner';
import { startLive } from './live';
import { operationFinished, resubscribe, takeOutput } from './logs';
import { startRouting } from './route';
import { fleetTick, hostName, putOperations, watchFinished, watchStale } from './store';
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
watchStale((ids) => {
  for (const id of ids) api.operation(id).then((o) => putOperations([o]), () => undefined);
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
