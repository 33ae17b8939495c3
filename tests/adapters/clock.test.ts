import { systemClock } from '../../src/adapters/clock.ts';
import { itIsAClock } from '../contracts/clock.ts';
import { FakeClock } from '../fakes/clock.ts';

itIsAClock('the system', () => systemClock);
itIsAClock('the fake', () => new FakeClock());
