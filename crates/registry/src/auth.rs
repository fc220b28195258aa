//! Registry authentication: the challenge, the token server it names, and tokens.

mod challenge;
mod header;
mod inquiry;
mod login;
mod realm;
mod scope;
mod token;
mod tokens;

pub use challenge::ChallengeError;
pub use scope::Scope;
pub use token::TokenError;

pub(crate) use challenge::Challenge;
pub(crate) use login::{Age, Authorization, Login};
pub(crate) use token::Token;
pub(crate) use tokens::{Petition, Tokens};
