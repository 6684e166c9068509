/** Files that are imported with `type: "text"`, in TypeScript's eyes. Deno knows by itself. */

declare module "*.css" {
  const text: string;
  export default text;
}

declare module "*.js" {
  const text: string;
  export default text;
}

declare module "*.svg" {
  const text: string;
  export default text;
}
