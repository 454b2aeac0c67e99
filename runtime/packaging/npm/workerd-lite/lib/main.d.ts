/** The path of the program for this platform. Reading it throws where the platform's package is missing. */
declare const path: string;
export default path;
/** The version of this package and of the program. */
export declare const version: string;
