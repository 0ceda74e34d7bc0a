/** A message in the form that a channel wants, as plain data: what is sent, without sending it. */

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export const jsonRequest = (
  url: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): HttpRequest => ({
  url,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});
