/**
 * The page's address for a person who may act. The token stands in the fragment, which a browser sends to no
 * server; the page keeps it for the tab and takes it out of the address.
 */
export const pageUrl = ({ url, token }: { readonly url: string; readonly token: string }): string =>
  `${url}/#token=${token}`;
