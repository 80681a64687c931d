import { Migration20261122000001_adopt_or_create } from './Migration20261122000001_adopt_or_create.ts';
import { Migration20261122000002_ledger } from './Migration20261122000002_ledger.ts';
import { Migration20261125000003_past_due_invoice } from './Migration20261125000003_past_due_invoice.ts';
import { Migration20261125000004_lookups } from './Migration20261125000004_lookups.ts';
import { Migration20261125000005_survey } from './Migration20261125000005_survey.ts';
import { Migration20261126000006_write } from './Migration20261126000006_write.ts';
import { Migration20261127000000_read_at } from './Migration20261127000000_read_at.ts';
import { Migration20261127000040_big_amounts } from './Migration20261127000040_big_amounts.ts';
import { Migration20261127000041_settlement } from './Migration20261127000041_settlement.ts';
import { Migration20261127000042_disputes } from './Migration20261127000042_disputes.ts';
import { Migration20261127000043_attention_done } from './Migration20261127000043_attention_done.ts';
import { Migration20261127000050_slow_renewals } from './Migration20261127000050_slow_renewals.ts';
import { Migration20261127000071_paid_claim } from './Migration20261127000071_paid_claim.ts';

/** Every migration, oldest first. Listed by hand, so that it is the same set from source and from `dist`. */
export const migrations = [
  { name: 'Migration20261122000001_adopt_or_create', class: Migration20261122000001_adopt_or_create },
  { name: 'Migration20261122000002_ledger', class: Migration20261122000002_ledger },
  { name: 'Migration20261125000003_past_due_invoice', class: Migration20261125000003_past_due_invoice },
  { name: 'Migration20261125000004_lookups', class: Migration20261125000004_lookups },
  { name: 'Migration20261125000005_survey', class: Migration20261125000005_survey },
  { name: 'Migration20261126000006_write', class: Migration20261126000006_write },
  { name: 'Migration20261127000000_read_at', class: Migration20261127000000_read_at },
  { name: 'Migration20261127000040_big_amounts', class: Migration20261127000040_big_amounts },
  { name: 'Migration20261127000041_settlement', class: Migration20261127000041_settlement },
  { name: 'Migration20261127000042_disputes', class: Migration20261127000042_disputes },
  { name: 'Migration20261127000043_attention_done', class: Migration20261127000043_attention_done },
  { name: 'Migration20261127000050_slow_renewals', class: Migration20261127000050_slow_renewals },
  { name: 'Migration20261127000071_paid_claim', class: Migration20261127000071_paid_claim },
];
