/** The label of a binary model that is not the positive one: what absence becomes after `labels.negative_after`. */

export interface BinaryLabels {
  readonly positive?: string | undefined;
  readonly negative?: string | undefined;
}

const OPPOSITES: Readonly<Record<string, string>> = {
  "1": "0",
  true: "false",
  True: "False",
  TRUE: "FALSE",
  yes: "no",
  Yes: "No",
  YES: "NO",
  y: "n",
  Y: "N",
};

/** As the document says, else the usual opposite, else "not …". */
export function negativeLabelOf({ positive = "1", negative }: BinaryLabels): string {
  return negative ?? OPPOSITES[positive] ?? `not ${positive}`;
}
