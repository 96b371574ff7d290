import { render } from 'preact';
import './styles.css';

render(<main>NixFleet</main>, document.getElementById('app')!);
