mod end_of_life;
mod examinations;
mod exemptions;
pub(crate) mod fixture;
mod gate;
mod issues;
mod platforms;
mod properties;
mod what_cannot_be_judged;
